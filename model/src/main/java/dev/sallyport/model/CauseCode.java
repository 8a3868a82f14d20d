package dev.sallyport.model;

import java.util.Locale;

/** The catalogue of causes. Each has the HTTP status that it is reported with, a sentence, and what to do about it. */
public enum CauseCode {
    // Requests
    BAD_REQUEST(Family.REQUEST, 400, "The request is not well-formed.", "Correct the request as the detail says."),
    UNAUTHENTICATED(
            Family.REQUEST,
            401,
            "No valid token was given.",
            "Send 'Authorization: Bearer TOKEN' with a token of this service."),
    FORBIDDEN(
            Family.REQUEST,
            403,
            "The token does not allow this.",
            "Use a token of the user whom this belongs to, or the admin token."),
    TICKET_INVALID(
            Family.REQUEST,
            403,
            "The screen ticket is unknown, expired or already used.",
            "Ask for a new ticket and open the screen once with it."),
    NOT_FOUND(
            Family.REQUEST,
            404,
            "There is no such thing.",
            "Check the id; ended sessions and machines are removed after their retention."),
    METHOD_NOT_ALLOWED(
            Family.REQUEST, 405, "This address does not take that method.", "See /openapi.json for what it takes."),
    UNKNOWN_PROVIDER(Family.REQUEST, 404, "There is no such provider.", "GET /api/providers lists the providers."),
    CONFLICT(
            Family.REQUEST,
            409,
            "The thing is not in a state in which this can be done.",
            "Read its status and timeline, then decide."),
    SIGN_IN_RUNNING(
            Family.REQUEST,
            409,
            "A sign-in of this user to this provider is under way.",
            "Finish or cancel that session first."),
    BODY_TOO_LARGE(Family.REQUEST, 413, "The request's body is over its limit.", "Send a smaller body."),
    UNSUPPORTED_MEDIA_TYPE(
            Family.REQUEST,
            415,
            "The body is not of a type that is understood here.",
            "Send 'Content-Type: application/json'."),
    USER_LIMIT(
            Family.REQUEST,
            429,
            "The user has as many machines and waiting starts as one user may have.",
            "Finish or cancel a sign-in, or try again after the time that Retry-After says."),
    TOO_MANY_STARTS(
            Family.REQUEST, 429, "Starts were asked for too often.", "Try again after the time that Retry-After says."),
    SERVER_UNREACHABLE(
            Family.REQUEST,
            503,
            "The server does not answer.",
            "Start one with './sallyport up', or name its address with --server."),

    // The host
    HOST_FULL(
            Family.HOST,
            503,
            "The host has no room for another machine at this moment.",
            "Try again after the time that Retry-After says; or give the host more memory or other limits, see docs/OPERATIONS.md."),
    PORT_TAKEN(
            Family.HOST, 500, "The port is already taken.", "End what listens there, or choose another with --port."),
    DISK_FULL(
            Family.HOST,
            507,
            "There is no room on the disk.",
            "Free some room, or move the data with --data or SALLYPORT_DATA."),
    HYPERVISOR_MISSING(
            Family.HOST,
            500,
            "The hypervisor's program is not there.",
            "Install the packages that './sallyport doctor' or the launcher lists."),
    HYPERVISOR_FAILED(
            Family.HOST,
            500,
            "The hypervisor ended before the machine was up.",
            "Read the evidence lines: they are the hypervisor's own."),
    TEMPLATE_UNUSABLE(
            Family.HOST,
            500,
            "The template cannot be started from.",
            "Nothing is to be done: the machine boots instead, and the template is made anew. If it happens again and again, read the"
                    + " evidence lines."),
    TEMPLATE_FAILED(
            Family.HOST,
            500,
            "The template could not be made.",
            "Machines boot without one. Read the evidence lines; './sallyport doctor' checks disk, memory and images."),
    KVM_REFUSED(
            Family.HOST,
            500,
            "KVM was demanded, and may not be used.",
            "Add the user to the group of /dev/kvm, or let Sallyport choose with --accelerator auto."),
    TAP_REFUSED(
            Family.HOST,
            500,
            "TAP networking was demanded, and may not be used.",
            "Run as root with /dev/net/tun and nft present, or use --network user."),
    HYPERVISOR_KILLED(
            Family.HOST,
            500,
            "The hypervisor was killed.",
            "Look for who ended it: the kernel's log names a process that it killed for memory."),
    IMAGE_MISSING(Family.HOST, 500, "There is no image for this kind of machine.", "Run './sallyport image build'."),
    IMAGE_BUILD_FAILED(
            Family.HOST, 500, "The image could not be built.", "Read the evidence lines and the build's log."),
    IMAGE_UNSOUND(
            Family.HOST, 500, "The image does not verify.", "Run './sallyport image verify' and mend what it finds."),
    DATABASE_FAILED(
            Family.HOST,
            500,
            "The database cannot be used.",
            "Read the evidence lines and the database's log in the data folder."),
    VAULT_LOCKED(
            Family.HOST,
            500,
            "The vault cannot be opened.",
            "Give the master key that the vault was made with, in a file that only its owner may read."),
    SECRET_FILE_UNSAFE(
            Family.HOST,
            500,
            "A file with a secret cannot be used.",
            "Make it a regular file that only the user who runs Sallyport can read (chmod 600)."),

    // Boot: from the hypervisor's start to systemd
    LAYER_MISSING(
            Family.BOOT, 500, "The machine did not find one of its image's layers.", "Run './sallyport image verify'."),
    LAYER_CORRUPT(
            Family.BOOT,
            500,
            "A layer of the image cannot be read.",
            "Run './sallyport image verify' and build the image again."),
    DISK_DRIVER_MISSING(
            Family.BOOT,
            500,
            "The machine's initramfs has no driver for its disks.",
            "Add the driver's module to the kernel recipe, and build the image again."),
    KERNEL_PANIC(Family.BOOT, 500, "The machine's kernel panicked.", "Read the console lines."),
    INIT_MISSING(
            Family.BOOT,
            500,
            "The image has no init that the kernel could start.",
            "Add systemd (or another /sbin/init) to the image's root."),
    INIT_FAILED(
            Family.BOOT,
            500,
            "The machine's init stopped for good.",
            "Read the evidence lines: they are systemd's last; it needs /proc, /sys, /dev, /run and its own libraries."),
    ROOT_MISSING(
            Family.BOOT,
            500,
            "The kernel found no root file system.",
            "Check the image's layers, the initramfs, and root= on the kernel's command line."),
    EMERGENCY_MODE(
            Family.BOOT,
            500,
            "The machine's boot ended in emergency mode.",
            "Read which unit failed in the evidence lines; a mount of /etc/fstab that cannot be made is the usual one."),
    DEFAULT_TARGET_MISSING(
            Family.BOOT,
            500,
            "systemd has no default target that it could reach.",
            "Point /etc/systemd/system/default.target at a target that is there."),
    GUEST_FROZEN(
            Family.BOOT,
            504,
            "The machine's processor stands still.",
            "Look for who paused the hypervisor; if nobody did, start the machine again and report the evidence."),

    // Machines
    OUT_OF_MEMORY(Family.MACHINE, 500, "The machine ran out of memory.", "Give this kind of machine more memory."),
    FILES_EXHAUSTED(
            Family.HOST,
            503,
            "The controller has as many files open as it may.",
            "Raise the limit of open files (ulimit -n, or LimitNOFILE= of its unit), and start it again."),
    WRITABLE_DISK_FULL(
            Family.MACHINE,
            500,
            "The machine's writable disk is full.",
            "Give this kind of machine a larger disk, or look for what fills it."),
    NETWORK_DEVICE_MISSING(
            Family.MACHINE,
            500,
            "The machine has no network device.",
            "Check the driver's network, and that the kernel has the device's module."),
    CLOCK_WRONG(
            Family.MACHINE,
            500,
            "The machine's clock is far off.",
            "Set the host's clock; tokens and certificates are judged by the machine's."),
    MACHINE_ENDED(Family.MACHINE, 500, "The machine ended by itself.", "Read the console's last lines."),
    MACHINE_UNREACHABLE(
            Family.MACHINE, 502, "The machine's agent stopped answering.", "Read the machine's console log."),
    PART_FAILED(
            Family.MACHINE,
            500,
            "A part of the machine that its kind needs, such as its desktop, did not come up.",
            "Read the evidence lines: they are the agent's words and the console's."),

    // The agent's unit
    AGENT_MISSING(
            Family.UNIT,
            500,
            "The machine came up without its agent.",
            "Add the agent's layer to the image; './sallyport image verify' shows what is missing."),
    UNIT_NOT_ENABLED(
            Family.UNIT,
            500,
            "The agent's unit is there, and nothing starts it.",
            "Enable it: link it into the default target's .wants folder."),
    UNIT_LINK_DANGLING(
            Family.UNIT,
            500,
            "The link that enables the agent's unit leads nowhere.",
            "Point the link at the unit's file."),
    UNIT_INVALID(
            Family.UNIT, 500, "systemd cannot read the agent's unit.", "Correct the line that the evidence names."),
    UNIT_MASKED(Family.UNIT, 500, "The agent's unit is masked.", "Remove the link to /dev/null."),
    UNIT_TARGET_NOT_REACHED(
            Family.UNIT,
            500,
            "The agent's unit belongs to a target that this boot never reaches.",
            "Enable the unit for the default target instead."),
    UNIT_WAITS_FOR_TARGET(
            Family.UNIT,
            500,
            "The agent's unit waits for a unit that does not finish in this machine.",
            "Remove the dependency, or add what reaches it."),
    UNIT_WAITS_FOR_DEVICE(
            Family.UNIT,
            500,
            "The agent's unit waits for a device that does not appear in this machine.",
            "Remove the dependency on the device, or give the machine the device and udev."),
    UNIT_DEPENDENCY_FAILED(
            Family.UNIT,
            500,
            "A unit that the agent's unit needs failed.",
            "Read the evidence lines, and mend that unit."),
    UNIT_SETUP_FAILED(
            Family.UNIT,
            500,
            "systemd could not set up what the agent's unit asks for.",
            "Correct the setting that the evidence names."),
    UNIT_USER_MISSING(
            Family.UNIT,
            500,
            "The user or group that the agent's unit runs as is not there.",
            "Add the user to the image, or remove User= and Group=."),
    UNIT_DIRECTORY_MISSING(
            Family.UNIT,
            500,
            "The agent's working directory is not there.",
            "Make the directory in the image, or correct WorkingDirectory=."),
    UNIT_ENVIRONMENT_MISSING(
            Family.UNIT,
            500,
            "An environment file of the agent's unit is not there.",
            "Add the file to the image, or write EnvironmentFile=-PATH where it may be left out."),
    EXEC_MISSING(
            Family.UNIT,
            500,
            "The program that the agent's unit starts is not there.",
            "Add the file to the image, or correct ExecStart=."),
    EXEC_NOT_EXECUTABLE(
            Family.UNIT, 500, "The program that the agent's unit starts may not be executed.", "Set its mode to 0755."),
    EXEC_FORMAT(
            Family.UNIT,
            500,
            "The program that the agent's unit starts is of no form that the kernel executes.",
            "Give a script its '#!' line, or install the right program."),
    INTERPRETER_MISSING(
            Family.UNIT,
            500,
            "The interpreter of the agent's program is not there.",
            "Add the interpreter that its first line names, or correct that line."),
    LOADER_MISSING(
            Family.UNIT,
            500,
            "The dynamic loader of the agent's program is not there.",
            "Add the C library that it was built for."),
    LIBRARY_MISSING(
            Family.UNIT,
            500,
            "A shared library of the agent's program is not there.",
            "Add the package that holds the library."),
    SYMBOL_VERSION_MISSING(
            Family.UNIT,
            500,
            "A library of the image is too old for the agent's program.",
            "Build the program on the image's release, or base the image on a newer one."),
    ARCHITECTURE_WRONG(
            Family.UNIT,
            500,
            "The agent's program is for another processor architecture.",
            "Install the program for the machine's architecture."),

    // The agent
    AGENT_FAILED(Family.AGENT, 500, "The machine's agent ended.", "Read the evidence lines: they are the agent's own."),
    AGENT_KILLED(
            Family.AGENT,
            500,
            "The machine's agent was killed by a signal.",
            "Read the evidence lines; SIGKILL without the kernel's word is somebody's doing, SIGSEGV a defect."),
    AGENT_CRASH_LOOP(
            Family.AGENT,
            500,
            "The machine's agent ends again and again.",
            "Read the evidence lines: they are the agent's own."),
    AGENT_HUNG(
            Family.AGENT,
            504,
            "The machine's agent runs, does nothing, and does not listen.",
            "Read the agent's last line: what it began then did not end."),
    AGENT_WRONG_ADDRESS(
            Family.AGENT,
            502,
            "The machine's agent listens where nobody asks it.",
            "Let it listen on all addresses, on the port of the contract (8080)."),
    AGENT_PORT_TAKEN(
            Family.AGENT,
            500,
            "Another program in the machine holds the agent's port.",
            "Remove that program from the image, or give it another port."),
    AGENT_SILENT(
            Family.AGENT,
            504,
            "The machine's agent did not answer in time.",
            "Read the console's last lines, and what the network said last."),
    AGENT_WRONG(
            Family.AGENT,
            502,
            "What answered is not this machine's agent.",
            "Look for another program on the agent's port."),

    // Sign-ins
    TOOL_MISSING(
            Family.SIGN_IN, 500, "The tool is not in the machine.", "Build the image with this provider's tool layer."),
    TOOL_FAILED(
            Family.SIGN_IN,
            500,
            "The tool ended without signing in.",
            "Read the evidence lines: they are the tool's own words."),
    URL_NOT_SHOWN(
            Family.SIGN_IN,
            504,
            "The tool did not ask for a browser in time.",
            "Read the tool's output in the evidence lines."),
    URL_NOT_ALLOWED(
            Family.SIGN_IN,
            502,
            "The tool asked for a page that its provider does not allow.",
            "Check the provider's allowed hosts."),
    CALLBACK_PORT_TAKEN(
            Family.SIGN_IN,
            500,
            "Another program in the machine holds the port of the tool's callback.",
            "End that program; a fresh browser machine has none."),
    USER_DENIED(
            Family.SIGN_IN,
            403,
            "The user, or their organization, denied the sign-in.",
            "Start the sign-in again and approve it, with an account that may."),
    TOKEN_REFUSED(
            Family.SIGN_IN,
            502,
            "The provider did not give the tool a token for its code.",
            "Start the sign-in again; if it stays so, read the tool's words in the evidence lines."),
    CALLBACK_NOT_ALLOWED(
            Family.SIGN_IN,
            400,
            "The address is not the callback that this sign-in waits for.",
            "Paste the whole address that the sign-in ended on."),
    CREDENTIALS_INCOMPLETE(
            Family.SIGN_IN,
            500,
            "The tool said that it signed in, but its credential files are not complete.",
            "Read which fields are missing; a newer tool may need a newer provider file."),
    HANDOVER_FAILED(
            Family.SIGN_IN,
            500,
            "The CLI machine did not take the credentials.",
            "Read the evidence lines; the credentials are safe in the vault."),
    PROOF_FAILED(
            Family.SIGN_IN,
            500,
            "The tool in the CLI machine says that it is not signed in.",
            "Read the tool's own words in the evidence lines."),
    EGRESS_REFUSED(
            Family.SIGN_IN,
            502,
            "The machine asked for a host that its provider does not allow.",
            "Check the provider's allowed hosts."),
    EGRESS_DOWN(
            Family.SIGN_IN,
            502,
            "The machine's way out does not answer.",
            "Look at the controller's log: its egress gateway is not listening for this machine."),
    UPSTREAM_PASSWORD(
            Family.SIGN_IN,
            502,
            "The upstream proxy wants a user name and a password.",
            "Let the upstream proxy admit this host; Sallyport does not log in to proxies."),
    UPSTREAM_UNREACHABLE(
            Family.SIGN_IN,
            502,
            "A host of the provider could not be reached.",
            "Check the host's internet access and the upstream proxy."),
    USER_TIME_OUT(Family.SIGN_IN, 408, "The user did not finish the sign-in in time.", "Start the sign-in again."),
    HOST_RESTARTED(
            Family.SIGN_IN, 503, "The controller was restarted while the sign-in ran.", "Start the sign-in again."),
    HOST_LOST(
            Family.SIGN_IN,
            503,
            "The host on which the sign-in ran is gone.",
            "Start the sign-in again: another host takes it. An operator looks at the host, or at its way to the database."),

    /** A cause too, and a defect to be worked on. */
    UNKNOWN(Family.OTHER, 500, "Something failed that has no name yet.", "Please report it with the evidence lines.");

    /** What a cause is about; the chapters of docs/CAUSES.md, in their order. */
    public enum Family {
        REQUEST("Requests"),
        HOST("The host"),
        BOOT("Booting"),
        MACHINE("Machines"),
        UNIT("The agent's unit"),
        AGENT("The agent"),
        SIGN_IN("Sign-ins"),
        OTHER("Everything else");

        private final String title;

        Family(String title) {
            this.title = title;
        }

        /** For people. */
        public String title() {
            return title;
        }
    }

    private final Family family;
    private final int httpStatus;
    private final String sentence;
    private final String remedy;

    CauseCode(Family family, int httpStatus, String sentence, String remedy) {
        this.family = family;
        this.httpStatus = httpStatus;
        this.sentence = sentence;
        this.remedy = remedy;
    }

    /** Its name in addresses: {@code docs/CAUSES.md#agent_missing}. */
    public String anchor() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** What it is about. */
    public Family family() {
        return family;
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
