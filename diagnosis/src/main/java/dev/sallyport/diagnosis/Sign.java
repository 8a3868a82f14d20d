package dev.sallyport.diagnosis;

import java.util.regex.Pattern;

/**
 * What a line of the console can say. The patterns are searched within the line, because lines of the kernel, systemd and
 * programs run into one another on one console. Wordings: Linux 5.10 to 6.12, systemd 247 to 257, busybox, initramfs-tools,
 * dracut, glibc and musl.
 *
 * <p>Where a sign is about a unit, its first group is the unit's name, or its description as systemd's status lines have it.
 */
enum Sign {
    // The kernel
    LINUX("Linux version", "Linux version (\\S+)"),
    RUNS_INIT("as init process", "Run (\\S+) as init process"),
    PANIC("Kernel panic - ", "Kernel panic - (?:not syncing: ?)?(.*?)(?: \\]---)?$"),
    NO_INIT(
            "init",
            "(No working init found|Requested init \\S+ failed.*|switch_root: (?:can't|failed to) execute.*|"
                    + "Starting init: \\S+ exists but couldn't execute it.*|run-init: .*(?:No such file|not found).*|"
                    + "Failed to execute /\\S*init\\b.*|No init found\\. .*)"),
    ROOT_NOT_OPENED("root device", "(?:Cannot open root device|ALERT! +|Gave up waiting for root) ?(.*)"),
    ROOT_ALERT("does not exist", "(?:ALERT! *|Warning: )(/dev/\\S+) does not exist"),
    NO_PARTITIONS("available partitions", "here are the available partitions"),
    DISK_SEEN(
            "",
            "(?:\\[(?:vd|sd|xvd)[a-z]+\\] .*blocks|\\b(?:vd|sd|xvd)[a-z]+: (?:vd|sd|xvd)[a-z]+\\d"
                    + "|\\bnvme\\d+n\\d+: |^(?:\\[[ \\d.]+\\] )?[0-9a-f]{4} +\\d+ (?:vd|sd|nvme|xvd)\\S+"
                    + "|\\((?:device )?(?:vd|sd|xvd|nvme)\\w+\\): mounted)"),
    UNPACKING("unpacking failed", "Initramfs unpacking failed: ?(.*)"),
    MODULE_MISSING(
            "modprobe: ",
            "modprobe: (?:FATAL: )?(?:can't load )?[Mm]odule '?([\\w-]+)'?[ :(].*(?:not found|No such|invalid|format).*"),
    OOPS("", "((?:BUG: (?:unable to handle|kernel NULL|Bad page)|Oops: |general protection fault|kernel BUG at).*)"),
    STALL("", "((?:BUG: soft lockup|rcu.* stall).*)"),
    HUNG_TASK("blocked for more than", "task ([^:]{1,32}):\\d+ blocked for more than (\\d+) seconds"),
    OOM_KILL("Killed process", "(?:Out of memory|out of memory|oom).*Killed process (\\d+) \\(([^)]{0,64})\\)"),
    IO_ERROR("I/O error", "I/O error,? (?:on )?dev (?:ice )?(\\w+)"),
    FS_ERROR(
            "",
            "\\b((?:erofs|EROFS|SQUASHFS|squashfs|EXT4-fs|overlayfs|JBD2)\\b.*(?:\\berrors?\\b(?!s?=)|corrupt|[Ff]ailed|[Ii]nvalid"
                    + "|[Uu]nable|[Cc]annot|bogus|mismatch|inconsistent).*)"),
    NO_SPACE("", "((?:No space left on device|ENOSPC).*)"),
    SEGFAULT(
            "",
            "(?<![\\w().+-])([\\w().+-]{1,32})\\[\\d+\\]:? (?:segfault at|trap invalid opcode|general protection fault)"),

    // Initramfs
    FATAL("sallyport-initramfs: FATAL", "sallyport-initramfs: FATAL ([A-Z_]{1,40})(?:\\s+(.*))?"),
    ROOT_READY("sallyport-initramfs: root", "sallyport-initramfs: root file system of (\\d+) layers is there"),
    NO_NETWORK(
            "",
            "((?:sallyport-initramfs: NETWORK_DEVICE_MISSING.*|sallyport-initramfs: .*(?:no network|[Nn]etwork device|[Ii]nterface).*(?:missing|not there|no |not ).*"
                    + "|sallyport-initramfs: .*no network.*|sallyport-initramfs: the (?:address|gateway) \\S+ could not be set.*"
                    + "|ip: (?:can't find device|SIOCGIFINDEX).*))"),
    DISKS_COUNTED(
            "sallyport-initramfs: disks:", "sallyport-initramfs: disks: (\\d+) announced by the buses, (\\d+) there"),
    MOUNT_FAILED("mounting ", "mount: mounting (\\S+) on (\\S+) failed: (.*)"),

    // systemd
    SYSTEMD("systemd", "systemd ([\\w.~+-]+)(?: \\([^)]*\\))? running in system mode"),
    SYSTEMD_SPEAKS("", "(systemd\\[1\\]: |\\[ {2}OK {2}\\]|Welcome to .*!)"),
    EMERGENCY(
            "",
            "((?:You are in|Entering) (?:emergency|rescue) mode|Reached target (?:emergency\\.target|Emergency Mode|rescue\\.target"
                    + "|Rescue Mode)|Started (?:emergency\\.service|Emergency Shell)|[Rr]oot account is locked"
                    + "|root password for maintenance|Press Enter for maintenance).*"),
    NO_DEFAULT_TARGET(
            "",
            "(Failed to (?:load|isolate|start|enqueue) default target.*|Unit default\\.target (?:not found|is masked).*"
                    + "|default\\.target: .*(?:not found|masked).*|Failed to load rescue target.*)"),
    FREEZE(
            "",
            "((?:Freezing execution|\\[!!!!!!\\]|Failed to start up manager|Caught <[A-Z]+>, (?:core dump|dumped core)).*)"),
    REACHED("Reached target ", "Reached target " + Patterns.NAMED),
    STARTUP_FINISHED("Startup finished in", "Startup finished in (.*)"),
    LOGIN(" login:", "(?<!\\S)\\S+ login: *$"),
    QUEUED_DEFAULT("default target", "Queued start job for default target " + Patterns.NAMED),

    // Units: loading
    UNIT_SYNTAX("", "/(?:etc|run|usr|lib)/systemd/\\S*/" + Patterns.UNIT + "(?:\\.d/\\S+)?:(\\d+): (.*)"),
    BAD_SETTING(
            "",
            "(?:Unit )?" + Patterns.UNIT
                    + " (?:has a bad unit file setting|failed to load properly|is not loaded properly).*"),
    REFUSING("efusing", Patterns.UNIT + ": ((?:Service|Unit|Type=)\\b.*[Rr]efusing.*)"),
    FATAL_CONFIGURATION("fatal error, unit will not", Patterns.UNIT + ": Unit configuration has fatal error"),
    LOAD_FAILED("Failed to load configuration", Patterns.UNIT + ": (Failed to load configuration.*)"),
    NOT_FOUND("", "Unit " + Patterns.UNIT + " (?:not found|could not be found|failed to load: No such file)"),
    MASKED("masked", "(?:Unit )?" + Patterns.UNIT + " is masked"),
    CYCLE("ordering cycle", "Job " + Patterns.UNIT + "/start deleted to break ordering cycle"),
    SKIPPED(
            "skipped",
            "(?<![\\w:.@\\\\-])(" + Patterns.BARE_UNIT
                    + "(?: - .{1,120}?)?|[A-Z][^\\]:]{1,120}?) was skipped because (?:of |no )(.*)"),
    SKIPPED_OLD("being skipped", "Condition check resulted in " + "(.{1,160}?) being skipped"),
    ASSERT_FAILED("Assertion failed", "Assertion failed (?:on job )?for " + Patterns.NAMED),

    // Units: starting
    STARTING("Starting ", "\\bStarting " + Patterns.NAMED),
    STARTED("Started ", "\\bStarted " + Patterns.NAMED),
    START_FAILED("Failed to start ", "Failed to start " + Patterns.NAMED),
    DEPENDENCY_FAILED("Dependency failed", "Dependency failed for " + Patterns.NAMED),
    DEVICE_TIMED_OUT("waiting for device", "Timed out waiting for device " + Patterns.NAMED),
    MOUNT_TARGET_FAILED("Failed to mount ", "Failed to mount " + Patterns.NAMED),
    JOB_TIMED_OUT("/start timed out", "Job " + Patterns.UNIT + "/start timed out"),
    JOB_FAILED("failed with result", "Job " + Patterns.UNIT + "/start failed with result '([\\w-]+)'"),
    JOB_RUNS(
            "job is running for",
            "A start job is running for (?:\\x1b\\S*)?(.{1,160}?) ?\\(([\\w. ]{1,20}) / ([\\w. ]{1,20})\\)"),
    JOB_RUNS_NAMED("/start running", "Job " + Patterns.UNIT + "/start running \\(([\\w. ]{1,20}) / ([\\w. ]{1,20})\\)"),
    START_TIMED_OUT("timed out", Patterns.UNIT + ": (start[\\w-]*) operation timed out"),
    WATCHDOG("Watchdog timeout", Patterns.UNIT + ": Watchdog timeout"),

    // Units: their processes
    EXITED(
            "process exited",
            Patterns.UNIT + ": (Main|Control) process exited, code=(\\w+), status=(\\d+)(?:/([\\w./-]+))?"),
    RESULT("Failed with result", Patterns.UNIT + ": Failed with result '([\\w-]+)'"),
    RESTARTS("restart counter is at", Patterns.UNIT + ": Scheduled restart job, restart counter is at (\\d+)"),
    GAVE_UP("repeated too quickly", Patterns.UNIT + ": Start request repeated too quickly"),
    ENDED_WELL("", Patterns.UNIT + ": (?:Deactivated successfully|Succeeded)\\."),
    ON_FAILURE("Triggering OnFailure", Patterns.UNIT + ": Triggering OnFailure= dependencies"),
    OOM_IN_UNIT("OOM killer", Patterns.UNIT + ": A process of this unit has been killed by the OOM killer"),
    STEP_FAILED("Failed at step", Patterns.MAYBE_UNIT + "Failed at step (\\w+) spawning (\\S+?): (.*)"),
    NOT_LOCATED(
            "locate executable", Patterns.MAYBE_UNIT + "(?:Failed|Unable) to locate executable '?([^\\s':]+)'?: (.*)"),
    NOT_EXECUTED("Failed to execute ", Patterns.MAYBE_UNIT + "Failed to execute '?([^\\s':]+)'?: (.*)"),
    NO_ENVIRONMENT("environment file", Patterns.MAYBE_UNIT + "Failed to load environment files?: ?(.*)"),
    NO_RUN("Failed to run '", Patterns.UNIT + ": Failed to run '([\\w-]+)' task: (.*)"),
    NO_DIRECTORY(
            "working directory failed",
            Patterns.MAYBE_UNIT + "Changing to the requested working directory failed: (.*)"),
    NO_USER(
            "credentials: ",
            Patterns.MAYBE_UNIT + "Failed to determine (user|group|supplementary groups?) credentials: (.*)"),
    NO_NAMESPACE("mount namespac", Patterns.MAYBE_UNIT + "Failed to set up mount namespacing(.*)"),

    // Programs
    NO_LIBRARY(
            "",
            "(?:(?<![^\\s:])([^\\s:]+): )?(?:error while loading shared libraries: ([^\\s:]+): (.*)"
                    + "|Error loading shared library ([^\\s:]+): (.*))"),
    NO_VERSION(
            "not found (required by",
            "(?<![^\\s:])(?:([^\\s:]+): )?([^\\s:]+): version [`'‘]?([^\\s'’`]+)['’]? not found \\(required by ([^)]+)\\)"),
    NO_SYMBOL(
            "",
            "(?:symbol lookup error: ([^\\s:]+): undefined symbol: (\\S+)|Error relocating ([^\\s:]+): (\\S+): symbol not found)"),
    FORMAT("Exec format error", "(?<![^\\s:])([^\\s:]+): (?:cannot execute(?: binary file)?: )?Exec format error"),
    NOT_THERE(
            "",
            "(?:(?:env|exec): ['‘\"]?([^\\s:'’\"]+)['’\"]?: (?:No such file or directory|not found)"
                    + "|(?<![^\\s:])([^\\s:]+): (?:bad interpreter|cannot execute: required file not found))"),
    BIND("", "((?:Address already in use|EADDRINUSE|Address in use).*)"),
    OWN_ACCOUNT("start: failed: ", "start: failed: ([A-Z_]{1,40}) (.*)"),
    PROGRAM_OOM(
            "",
            "((?:java\\.lang\\.OutOfMemoryError|insufficient memory for the Java Runtime|JavaScript heap out of memory"
                    + "|Cannot allocate memory|\\bMemoryError\\b|std::bad_alloc|runtime: out of memory).*)"),
    LISTENS(
            "",
            "(?:answers on|[Ll]istening (?:on|at)|[Ss]erver (?:is )?(?:running|started|listening) (?:on|at)) "
                    + "(?:port:? )?(?:https?://)?/?(?:(\\[[0-9a-fA-F:.]{2,45}\\]|\\d{1,3}(?:\\.\\d{1,3}){3}|[0-9a-f:]{2,39}|[a-zA-Z*][\\w.-]*"
                    + "(?:/\\d{1,3}(?:\\.\\d{1,3}){3})?)?:)?(\\d{2,5})\\b(?![.\\d])");

    private final String hint;
    private final Pattern pattern;

    /**
     * @param hint what stands in each such line, so that most lines need no search; may be empty
     * @param pattern what it looks like
     */
    Sign(String hint, String pattern) {
        this.hint = hint;
        this.pattern = Pattern.compile(pattern);
    }

    String hint() {
        return hint;
    }

    Pattern pattern() {
        return pattern;
    }

    /** Whether the first group is a unit or its description. */
    boolean ofUnit() {
        return pattern.pattern().contains(Patterns.UNIT)
                || pattern.pattern().contains(Patterns.NAMED)
                || this == SKIPPED
                || this == SKIPPED_OLD
                || this == JOB_RUNS;
    }

    private static final class Patterns {
        /** A unit's name; systemd.unit(5). */
        static final String BARE_UNIT =
                "[\\w:.@\\\\-]{1,200}\\.(?:service|socket|device|mount|automount|swap|target|path|timer|slice|scope)";

        /** From where the name begins, so that a long word is not tried at each of its letters. */
        static final String UNIT = "(?<![\\w:.@\\\\-])(" + BARE_UNIT + ")";
        /** `UNIT: ` before a message; the console may have cut it. */
        static final String MAYBE_UNIT = "(?:" + UNIT + ": )?";
        /** `UNIT - Description`, or one of the two, up to its full stop or dots. */
        static final String NAMED = "(.{1,160}?)(?=\\.(?:\\s|\\[|$)|\\.\\.\\.|…| \\(|: |$|\\[)";

        private Patterns() {}
    }
}
