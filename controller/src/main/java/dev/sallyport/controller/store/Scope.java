package dev.sallyport.controller.store;

import dev.sallyport.model.UserId;

/**
 * Whose rows a transaction may see and change. The database itself holds it to that (row-level security), whatever the SQL says.
 */
public final class Scope {
    /** PostgreSQL's parameter that the policies of the tables look at. */
    static final String SETTING = "sallyport.user";

    /** No {@link UserId} can be this. */
    private static final String EVERYTHING = "*";

    private static final Scope ALL = new Scope(EVERYTHING);

    private final String setting;

    private Scope(String setting) {
        this.setting = setting;
    }

    /** The rows of {@code user} alone. */
    public static Scope of(UserId user) {
        return new Scope(user.value());
    }

    /** All rows: the controller's own work, and what the admin token allows. */
    public static Scope all() {
        return ALL;
    }

    /** The value of {@link #SETTING}. */
    String setting() {
        return setting;
    }

    @Override
    public String toString() {
        return "Scope[" + setting + "]";
    }
}
