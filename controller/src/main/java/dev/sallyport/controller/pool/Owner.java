package dev.sallyport.controller.pool;

import dev.sallyport.controller.store.Purpose;
import dev.sallyport.model.SessionId;
import dev.sallyport.model.UserId;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Whose a machine is. */
public sealed interface Owner {
    /**
     * A user's.
     *
     * @param id the user
     * @param serves the session that it serves, whose timeline tells of it too; null for none
     */
    record User(UserId id, @Nullable SessionId serves) implements Owner {}

    /** Nobody's yet: it is kept ready for whoever needs one next. */
    record Pool() implements Owner {}

    /**
     * Nobody's ever: a template is made of it.
     *
     * @param folder where the template is made
     */
    record Template(Path folder) implements Owner {}

    /** The user, if it is a user's. */
    default Optional<UserId> user() {
        return this instanceof User(UserId id, var _) ? Optional.of(id) : Optional.empty();
    }

    /** The session that it serves; null for none. */
    default @Nullable SessionId session() {
        return this instanceof User(var _, SessionId serves) ? serves : null;
    }

    /** As the store knows it. */
    default Purpose purpose() {
        return switch (this) {
            case User _ -> Purpose.USER;
            case Pool _ -> Purpose.POOL;
            case Template _ -> Purpose.TEMPLATE;
        };
    }
}
