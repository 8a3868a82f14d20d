package dev.sallyport.controller.store;

import dev.sallyport.model.Secret;

/**
 * Where a database is, and as whom it is used.
 *
 * @param url a JDBC URL without credentials, such as {@code jdbc:postgresql://127.0.0.1:5432/sallyport}
 * @param owner the role that owns the tables; runs the migrations and nothing else
 * @param application an existing role that owns nothing and is no superuser: row-level security holds for it
 */
public record DatabaseAccess(String url, Login owner, Login application) {
    /**
     * A role and its password.
     *
     * @param user the role's name
     * @param password its password
     */
    public record Login(String user, Secret password) {}
}
