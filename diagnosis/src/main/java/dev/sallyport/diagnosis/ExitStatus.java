package dev.sallyport.diagnosis;

import java.util.Map;
import java.util.TreeMap;

/**
 * The exit codes with which systemd says which step of starting a process failed, before the process's own program ran;
 * systemd.exec(5), "Process Exit Codes".
 */
final class ExitStatus {
    /** The program itself could not be executed. */
    static final int EXEC = 203;

    private static final Map<Integer, String> STEPS = steps();

    private ExitStatus() {}

    /** The step's name, such as {@code EXEC}; empty when {@code status} is a program's own. */
    static String step(int status) {
        return STEPS.getOrDefault(status, "");
    }

    /** What the step does, to be read after "systemd could not". */
    static String doing(String step) {
        return switch (step) {
            case "CHDIR" -> "change to the working directory";
            case "NICE" -> "set the niceness (Nice=)";
            case "FDS" -> "pass on the file descriptors";
            case "EXEC" -> "execute the program";
            case "MEMORY" -> "get memory";
            case "LIMITS" -> "set the resource limits (Limit…=)";
            case "OOM_ADJUST" -> "set OOMScoreAdjust=";
            case "SIGNAL_MASK" -> "set the signal mask";
            case "STDIN" -> "set up standard input (StandardInput=)";
            case "STDOUT" -> "set up standard output (StandardOutput=)";
            case "STDERR" -> "set up standard error (StandardError=)";
            case "CHROOT" -> "change the root directory (RootDirectory=, RootImage=)";
            case "IOPRIO" -> "set the I/O priority";
            case "TIMERSLACK" -> "set TimerSlackNSec=";
            case "SECUREBITS" -> "set SecureBits=";
            case "SETSCHEDULER" -> "set the scheduling policy (CPUSchedulingPolicy=)";
            case "CPUAFFINITY" -> "set CPUAffinity=";
            case "GROUP" -> "take on the group (Group=, SupplementaryGroups=)";
            case "USER" -> "take on the user (User=)";
            case "CAPABILITIES" -> "set the capabilities (CapabilityBoundingSet=, AmbientCapabilities=)";
            case "CGROUP" -> "set up the control group";
            case "SETSID" -> "begin a session";
            case "CONFIRM" -> "get the confirmation to execute";
            case "PAM" -> "set up the PAM session (PAMName=)";
            case "NETWORK" -> "set up the network namespace (PrivateNetwork=)";
            case "NAMESPACE" -> "set up the mount namespace (ReadWritePaths=, BindPaths=, ProtectSystem= and the like)";
            case "NO_NEW_PRIVILEGES" -> "set NoNewPrivileges=";
            case "SECCOMP" -> "set the system call filter (SystemCallFilter=)";
            case "SELINUX_CONTEXT" -> "set SELinuxContext=";
            case "PERSONALITY" -> "set Personality=";
            case "APPARMOR_PROFILE", "APPARMOR" -> "set AppArmorProfile=";
            case "ADDRESS_FAMILIES" -> "set RestrictAddressFamilies=";
            case "RUNTIME_DIRECTORY" -> "make RuntimeDirectory=";
            case "CHOWN" -> "change the owner of a socket";
            case "SMACK_PROCESS_LABEL" -> "set SmackProcessLabel=";
            case "KEYRING" -> "set up the kernel keyring";
            case "STATE_DIRECTORY" -> "make StateDirectory=";
            case "CACHE_DIRECTORY" -> "make CacheDirectory=";
            case "LOGS_DIRECTORY" -> "make LogsDirectory=";
            case "CONFIGURATION_DIRECTORY" -> "make ConfigurationDirectory=";
            case "NUMA_POLICY" -> "set NUMAPolicy=";
            case "CREDENTIALS" -> "set up the credentials (LoadCredential=, SetCredential=)";
            case "BPF" -> "set up RestrictFileSystems=";
            default -> "do the step " + step;
        };
    }

    private static Map<Integer, String> steps() {
        var steps = new TreeMap<Integer, String>();
        String[] from200 = {
            "CHDIR",
            "NICE",
            "FDS",
            "EXEC",
            "MEMORY",
            "LIMITS",
            "OOM_ADJUST",
            "SIGNAL_MASK",
            "STDIN",
            "STDOUT",
            "CHROOT",
            "IOPRIO",
            "TIMERSLACK",
            "SECUREBITS",
            "SETSCHEDULER",
            "CPUAFFINITY",
            "GROUP",
            "USER",
            "CAPABILITIES",
            "CGROUP",
            "SETSID",
            "CONFIRM",
            "STDERR",
            "",
            "PAM",
            "NETWORK",
            "NAMESPACE",
            "NO_NEW_PRIVILEGES",
            "SECCOMP",
            "SELINUX_CONTEXT",
            "PERSONALITY",
            "APPARMOR_PROFILE",
            "ADDRESS_FAMILIES",
            "RUNTIME_DIRECTORY",
            "",
            "CHOWN",
            "SMACK_PROCESS_LABEL",
            "KEYRING",
            "STATE_DIRECTORY",
            "CACHE_DIRECTORY",
            "LOGS_DIRECTORY",
            "CONFIGURATION_DIRECTORY",
            "NUMA_POLICY",
            "CREDENTIALS",
            "",
            "BPF"
        };
        for (int i = 0; i < from200.length; i++) {
            if (!from200[i].isEmpty()) {
                steps.put(200 + i, from200[i]);
            }
        }
        return steps;
    }
}
