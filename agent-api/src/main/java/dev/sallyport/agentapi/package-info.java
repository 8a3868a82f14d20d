/**
 * The contract between the controller and the agent inside each machine: the records that travel as JSON, and the
 * controller's client.
 *
 * <p>The agent listens on port 8080 (HTTP) and 8081 (streams: an HTTP/1.1 request with {@code Upgrade}, answered by 101, then
 * raw bytes both ways). Every request but {@code GET /health} carries {@code Authorization: Bearer TOKEN}; the agent knows
 * the token's SHA-256 alone, from the machine's facts. Errors are RFC 9457 problem documents with a {@code code} of
 * {@link dev.sallyport.model.CauseCode}.
 *
 * <pre>
 * GET    /health                                       Health
 * POST   /auth/{provider}          StartSignIn         SignIn      starts the tool's sign-in; again, the one that is there
 * GET    /auth?sessionId=&amp;after=&amp;waitMs=             SignIn      at once when version &gt; after, else when it changes or waitMs is over
 * DELETE /auth?sessionId=                              SignIn      ends the tool's process group
 * POST   /auth/callback            Callback            SignIn      replays an address or code to the tool
 * GET    /oauth-url?sessionId=                         OauthUrl
 * GET    /credentials/status?sessionId=                CredentialStatus
 * POST   /credentials/take         TakeCredentials     CredentialSet   the same until they are released
 * POST   /credentials/release      ReleaseCredentials  CredentialStatus   they are safe: gone from the browser machine
 * POST   /credentials/write        WriteCredentials    Written
 * POST   /status                   AskStatus           ToolStatus
 * GET    /vitals                                       Vitals
 * GET    /screen (port 8081, Upgrade: rfb)             the RFB protocol of the machine's screen
 * </pre>
 */
package dev.sallyport.agentapi;
