package dev.sallyport.model;

/** The catalogue of causes. Each has the HTTP status that it is reported with, a sentence, and what to do about it. */
public enum CauseCode {
    // Requests
    BAD_REQUEST(400, "The request is not well-formed.", "Correct the request as the detail says."),
    UNAUTHENTICATED(
            401, "No valid token was given.", "Send 'Authorization: Bearer TOKEN' with a token of this service."),
    FORBIDDEN(
            403, "The token does not allow this.", "Use a token of the user whom this belongs to, or the admin token."),
    TICKET_INVALID(
            403,
            "The screen ticket is unknown, expired or already used.",
            "Ask for a new ticket and open the screen once with it."),
    NOT_FOUND(
            404,
            "There is no such thing.",
            "Check the id; ended sessions and machines are removed after their retention."),
    METHOD_NOT_ALLOWED(405, "This address does not take that method.", "See /openapi.json for what it takes."),
    UNKNOWN_PROVIDER(404, "There is no such provider.", "GET /api/providers lists the providers."),
    CONFLICT(
            409,
            "The thing is not in a state in which this can be done.",
            "Read its status and timeline, then decide."),
    SIGN_IN_RUNNING(
            409, "A sign-in of this user to this provider is under way.", "Finish or cancel that session first."),
    BODY_TOO_LARGE(413, "The request's body is over its limit.", "Send a smaller body."),
    UNSUPPORTED_MEDIA_TYPE(
            415, "The body is not of a type that is understood here.", "Send 'Content-Type: application/json'."),
    SERVER_UNREACHABLE(
            503, "The server does not answer.", "Start one with './sallyport up', or name its address with --server."),

    // The host
    PORT_TAKEN(500, "The port is already taken.", "End what listens there, or choose another with --port."),
    DISK_FULL(507, "There is no room on the disk.", "Free some room, or move the data with --data or SALLYPORT_DATA."),
    HYPERVISOR_MISSING(
            500,
            "The hypervisor's program is not there.",
            "Install the packages that './sallyport doctor' or the launcher lists."),
    HYPERVISOR_FAILED(
            500,
            "The hypervisor ended before the machine was up.",
            "Read the evidence lines: they are the hypervisor's own."),
    KVM_REFUSED(
            500,
            "KVM was demanded, and may not be used.",
            "Add the user to the group of /dev/kvm, or let Sallyport choose with --accelerator auto."),
    TAP_REFUSED(
            500,
            "TAP networking was demanded, and may not be used.",
            "Run as root with /dev/net/tun and nft present, or use --network user."),
    IMAGE_MISSING(500, "There is no image for this kind of machine.", "Run './sallyport image build'."),
    IMAGE_BUILD_FAILED(500, "The image could not be built.", "Read the evidence lines and the build's log."),
    IMAGE_UNSOUND(500, "The image does not verify.", "Run './sallyport image verify' and mend what it finds."),
    DATABASE_FAILED(
            500, "The database cannot be used.", "Read the evidence lines and the database's log in the data folder."),
    VAULT_LOCKED(
            500,
            "The vault cannot be opened.",
            "Give the master key that the vault was made with, in a file that only its owner may read."),
    SECRET_FILE_UNSAFE(
            500,
            "A file with a secret cannot be used.",
            "Make it a regular file that only the user who runs Sallyport can read (chmod 600)."),

    // Machines
    LAYER_MISSING(500, "The machine did not find one of its image's layers.", "Run './sallyport image verify'."),
    LAYER_CORRUPT(
            500, "A layer of the image cannot be read.", "Run './sallyport image verify' and build the image again."),
    KERNEL_PANIC(500, "The machine's kernel panicked.", "Read the console lines."),
    OUT_OF_MEMORY(500, "The machine ran out of memory.", "Give this kind of machine more memory."),
    AGENT_MISSING(500, "The machine came up without its agent.", "Run './sallyport image verify'."),
    AGENT_FAILED(500, "The machine's agent ended.", "Read the evidence lines: they are the agent's own."),
    AGENT_SILENT(
            504,
            "The machine's agent did not answer in time.",
            "Read the console's last lines, and what the network said last."),
    AGENT_WRONG(502, "What answered is not this machine's agent.", "Look for another program on the agent's port."),
    MACHINE_ENDED(500, "The machine ended by itself.", "Read the console's last lines."),
    MACHINE_UNREACHABLE(502, "The machine's agent stopped answering.", "Read the machine's console log."),
    PART_FAILED(
            500,
            "A part of the machine that its kind needs, such as its desktop, did not come up.",
            "Read the evidence lines: they are the agent's words and the console's."),

    // Sign-ins
    TOOL_MISSING(500, "The tool is not in the machine.", "Build the image with this provider's tool layer."),
    TOOL_FAILED(500, "The tool ended without signing in.", "Read the evidence lines: they are the tool's own words."),
    URL_NOT_SHOWN(504, "The tool did not ask for a browser in time.", "Read the tool's output in the evidence lines."),
    URL_NOT_ALLOWED(
            502, "The tool asked for a page that its provider does not allow.", "Check the provider's allowed hosts."),
    CALLBACK_NOT_ALLOWED(
            400,
            "The address is not the callback that this sign-in waits for.",
            "Paste the whole address that the sign-in ended on."),
    CREDENTIALS_INCOMPLETE(
            500,
            "The tool said that it signed in, but its credential files are not complete.",
            "Read which fields are missing; a newer tool may need a newer provider file."),
    HANDOVER_FAILED(
            500,
            "The CLI machine did not take the credentials.",
            "Read the evidence lines; the credentials are safe in the vault."),
    PROOF_FAILED(
            500,
            "The tool in the CLI machine says that it is not signed in.",
            "Read the tool's own words in the evidence lines."),
    EGRESS_REFUSED(
            502,
            "The machine asked for a host that its provider does not allow.",
            "Check the provider's allowed hosts."),
    UPSTREAM_UNREACHABLE(
            502,
            "A host of the provider could not be reached.",
            "Check the host's internet access and the upstream proxy."),
    USER_TIME_OUT(408, "The user did not finish the sign-in in time.", "Start the sign-in again."),
    HOST_RESTARTED(503, "The controller was restarted while the sign-in ran.", "Start the sign-in again."),

    /** A cause too, and a defect to be worked on. */
    UNKNOWN(500, "Something failed that has no name yet.", "Please report it with the evidence lines.");

    private final int httpStatus;
    private final String sentence;
    private final String remedy;

    CauseCode(int httpStatus, String sentence, String remedy) {
        this.httpStatus = httpStatus;
        this.sentence = sentence;
        this.remedy = remedy;
    }

    /** The HTTP status of a problem document with this cause. */
    public int httpStatus() {
        return httpStatus;
    }

    /** What happened, in one sentence. */
    public String sentence() {
        return sentence;
    }

    /** What to do, in one sentence. */
    public String remedy() {
        return remedy;
    }
}
