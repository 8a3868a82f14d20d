package dev.sallyport.image.verify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.model.CauseCode;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whether what the unit's commands start can run, down the chain. */
final class CommandCheckTest {
    private static Root starting(String command) {
        return Root.sound().unit("", "ExecStart=" + command + "\n");
    }

    private static Root program(Elves program) {
        return Root.sound().program(Root.AGENT, program.bytes());
    }

    private static Root script(String text) {
        return Root.sound().program(Root.AGENT, text);
    }

    @Test
    void aMissingProgramIsToldWithItsLineAndWhereElseItIs() {
        Root root = starting("/usr/bin/node /opt/vm-browser-agent/server.js");
        root.text("/opt/vm-browser-agent/server.js", "");
        Found.error(root.findings(), CauseCode.EXEC_MISSING, "/usr/bin/node", Root.UNIT + ":5");
        root.program("/usr/local/bin/node", Elves.program().bytes());
        Found.error(root.findings(), CauseCode.EXEC_MISSING, "It is at /usr/local/bin/node");
        Found.nothing(root.link("/usr/bin/node", "../local/bin/node").findings());
    }

    @Test
    void aBareNameIsLookedForOnThePath() {
        Found.nothing(starting("env true")
                .program("/usr/bin/true", Elves.program().bytes())
                .findings());
        Found.error(starting("nodejs x").findings(), CauseCode.EXEC_MISSING, "/usr/local/sbin");
    }

    @Test
    void aLinkToNowhereAndAFolderAreNoPrograms() {
        Found.error(
                starting("/opt/link").link("/opt/link", "gone").findings(), CauseCode.EXEC_MISSING, "a link to gone");
        Found.error(starting("/opt/agent").findings(), CauseCode.EXEC_NOT_EXECUTABLE, "no file");
    }

    @Test
    void aFailureThatIsIgnoredIsAWarningInEachOfTheCommands() {
        for (String key : new String[] {"ExecStartPre", "ExecStartPost", "ExecCondition"}) {
            Found.error(Root.sound().unit(key + "=/gone/x\n").findings(), CauseCode.EXEC_MISSING, "/gone/x");
            Found.warning(Root.sound().unit(key + "=-/gone/x\n").findings(), CauseCode.EXEC_MISSING, "/gone/x");
        }
    }

    @Test
    void aProgramThatMayNotBeExecutedIsFound() {
        Found.error(Root.sound().mode(Root.AGENT, 0644, 0).findings(), CauseCode.EXEC_NOT_EXECUTABLE, "0644");
    }

    @Test
    void theUnitsUserMustGetThere() {
        Root root = Root.sound().unit("User=agent\n");
        Found.nothing(root.findings());
        Found.error(root.mode(Root.AGENT, 0700, 0).findings(), CauseCode.EXEC_NOT_EXECUTABLE, "user 1000");
        Found.nothing(root.mode(Root.AGENT, 0700, 1000).findings());
        Found.error(root.mode("/opt/agent", 0700, 0).findings(), CauseCode.EXEC_NOT_EXECUTABLE, "may not enter");
        Found.nothing(
                root.unit("", "User=agent\nExecStart=+" + Root.AGENT + "\n").findings());
    }

    @Test
    void anInterpreterThatIsMissingIsFoundWhereverItIsInTheChain() {
        assertThat(Found.error(
                                script("#!/usr/bin/python3 -u\n").findings(),
                                CauseCode.INTERPRETER_MISSING,
                                "/usr/bin/python3")
                        .line())
                .isEqualTo(1);
        Root chain = script("#!/opt/run\n").program("/opt/run", "#!/usr/bin/lua\n");
        Found.error(chain.findings(), CauseCode.INTERPRETER_MISSING, "/usr/bin/lua", "/opt/run:1");
        Found.error(script("#!/usr/bin/env node\n").findings(), CauseCode.INTERPRETER_MISSING, "'node'");
        Found.error(script("#!/usr/bin/env node --harmony\n").findings(), CauseCode.INTERPRETER_MISSING, "env -S");
        Found.error(script("#!/usr/bin/env -S node --harmony\n").findings(), CauseCode.INTERPRETER_MISSING, "'node'");
    }

    @Test
    void envLooksOnTheUnitsOwnPath() {
        Root root = script("#!/usr/bin/env node\n")
                .program("/opt/node/bin/node", Elves.program().bytes());
        Found.error(root.findings(), CauseCode.INTERPRETER_MISSING, "It is at /opt/node/bin/node");
        Found.nothing(root.unit("Environment=PATH=/opt/node/bin:/usr/bin\n").findings());
    }

    @Test
    void lineEndingsOfWindowsAreNamed() {
        Found.error(script("#!/bin/sh\r\necho\r\n").findings(), CauseCode.INTERPRETER_MISSING, "Windows", "/bin/sh\\r");
        Found.error(script("#!/usr/bin/env sh\r\necho\r\n").findings(), CauseCode.INTERPRETER_MISSING, "Windows");
    }

    @Test
    void theFirstLineIsReadAsTheKernelReadsIt() {
        Found.nothing(script("#! /bin/sh -e \n").findings());
        Found.error(script("#!/" + "x".repeat(300) + "\n").findings(), CauseCode.EXEC_FORMAT, "255");
        Found.error(script("#!\n").findings(), CauseCode.EXEC_FORMAT);
        Found.error(script("#!/opt/agent/bin/agent\n").findings(), CauseCode.INTERPRETER_MISSING, "too deeply");
    }

    @Test
    void whatIsNoProgramIsFound() {
        Found.error(script("echo no first line\n").findings(), CauseCode.EXEC_FORMAT);
        Found.error(script("").findings(), CauseCode.EXEC_FORMAT, "empty");
        byte[] whole = Elves.program().needs("libc.so.6").bytes();
        for (int length : new int[] {5, 40, 100, 200, 400, 4000}) {
            Root root = Root.sound().program(Root.AGENT, Arrays.copyOf(whole, length));
            Found.error(root.findings(), CauseCode.EXEC_FORMAT, "cut short");
        }
    }

    @Test
    void aProgramForAnotherArchitectureIsFoundAndOfTheSameOneIsNot() {
        Found.error(program(Elves.program().machine(183)).findings(), CauseCode.ARCHITECTURE_WRONG, "ARM64", "x86-64");
        Found.nothing(program(Elves.program()).findings());
        Found.nothing(program(Elves.library()).findings()); // Static.
    }

    @Test
    void aMissingLoaderIsFound() {
        Found.error(
                program(Elves.program().loader("/lib/ld-musl-x86_64.so.1")).findings(),
                CauseCode.LOADER_MISSING,
                "musl");
        Root musl = program(Elves.program().loader("/lib/ld-musl-x86_64.so.1").needs("libc.musl-x86_64.so.1"));
        Found.nothing(
                musl.program("/usr/lib/ld-musl-x86_64.so.1", Elves.library().bytes())
                        .findings());
    }

    @Test
    void aMissingLibraryIsFoundThroughOthers() {
        Root root = program(Elves.program().needs("liba.so.1"));
        Found.error(root.findings(), CauseCode.LIBRARY_MISSING, "liba.so.1");
        root.program(
                "/usr/lib/x86_64-linux-gnu/liba.so.1",
                Elves.library().needs("libb.so.2").bytes());
        Found.error(root.findings(), CauseCode.LIBRARY_MISSING, "libb.so.2", "liba.so.1");
        root.program("/usr/local/special/libb.so.2", Elves.library().bytes());
        Found.error(root.findings(), CauseCode.LIBRARY_MISSING, "libb.so.2");
        root.text("/etc/ld.so.conf", "include /etc/ld.so.conf.d/*.conf\n")
                .text("/etc/ld.so.conf.d/x.conf", "# here\n/usr/local/special\n");
        Found.nothing(root.findings());
    }

    @Test
    void theLinkersOtherPathsAreSearched() {
        for (String tag : new String[] {"runpath", "rpath"}) {
            Elves program = Elves.program().needs("liba.so.1");
            Root root = program(
                    tag.equals("rpath") ? program.rpath("$ORIGIN/../lib") : program.runpath("${ORIGIN}/../lib"));
            root.program(
                    "/opt/agent/lib/liba.so.1",
                    Elves.library().needs("libb.so.2").bytes());
            root.program("/opt/agent/lib/libb.so.2", Elves.library().bytes());
            if (tag.equals("rpath")) {
                Found.nothing(root.findings()); // An RPATH counts for the libraries too, a RUNPATH does not.
            } else {
                Found.error(root.findings(), CauseCode.LIBRARY_MISSING, "libb.so.2");
            }
            Found.nothing(
                    root.unit("Environment=LD_LIBRARY_PATH=/opt/agent/lib\n").findings());
        }
    }

    @Test
    void aLibraryForAnotherArchitectureIsPassedOver() {
        Root root = program(Elves.program().needs("liba.so.1"));
        root.program(
                "/usr/lib/x86_64-linux-gnu/liba.so.1",
                Elves.library().machine(183).bytes());
        Found.error(root.findings(), CauseCode.LIBRARY_MISSING, "liba.so.1");
        Found.nothing(
                root.program("/usr/lib/liba.so.1", Elves.library().bytes()).findings());
    }

    @Test
    void aSymbolVersionThatIsTooNewIsNamedWithTheNewestThatIsThere() {
        Root root = program(Elves.program().needs("libc.so.6", "GLIBC_2.2.5", "GLIBC_2.9", "GLIBC_2.38", "GLIBC_2.39"));
        Found.error(root.findings(), CauseCode.SYMBOL_VERSION_MISSING, "GLIBC_2.39", Root.LIBC, "GLIBC_2.36 at most");
        Found.nothing(program(Elves.program().needs("libc.so.6", "GLIBC_2.36")).findings());
    }

    @Test
    void librariesThatNeedEachOtherEnd() {
        Root root = program(Elves.program().needs("liba.so.1"));
        root.program("/usr/lib/liba.so.1", Elves.library().needs("libb.so.1").bytes());
        Found.nothing(root.program(
                        "/usr/lib/libb.so.1", Elves.library().needs("liba.so.1").bytes())
                .findings());
    }

    @Test
    void aMissingPreloadIsAWarningAsForTheLinker() {
        Found.warning(
                program(Elves.program())
                        .unit("Environment=LD_PRELOAD=/gone.so\n")
                        .findings(),
                CauseCode.LIBRARY_MISSING,
                "/gone.so");
        Found.warning(
                program(Elves.program())
                        .text("/etc/ld.so.preload", "/gone.so\n")
                        .findings(),
                CauseCode.LIBRARY_MISSING,
                "ld.so.preload");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/usr/bin/node /opt/app/server.js",
                "/usr/bin/node --enable-source-maps -r dotenv /opt/app/server.js --port=8080",
                "/usr/bin/env node /opt/app/server.js",
                "/usr/bin/python3 -u /opt/app/server.js",
                "/bin/sh /opt/app/server.js",
                "/bin/sh -c 'exec /opt/app/server.js --flag'",
                "/usr/bin/java -Xmx64m -jar /opt/app/server.js",
                "/bin/sh -c '/opt/app/server.js'",
                "/usr/bin/tini -- /opt/app/server.js"
            })
    void theFileThatAnInterpreterIsGivenMustBeThere(String command) {
        Root root = starting(command);
        for (String name : new String[] {"node", "python3", "java", "tini"}) {
            root.program("/usr/bin/" + name, Elves.program().bytes());
        }
        Found.error(root.findings(), CauseCode.EXEC_MISSING, "/opt/app/server.js", Root.UNIT + ":5");
        Found.nothing(root.program("/opt/app/server.js", "#!/bin/sh\n").findings());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/usr/bin/node -e 'console.log(1)'",
                "/usr/bin/python3 -m http /x",
                "/bin/sh -c 'test -e /gone && exec /gone; /bin/true'",
                "/usr/bin/node $APP",
                "/usr/bin/node /opt/app",
                "/usr/bin/node /opt/app/index",
                "/bin/sh -c 'echo /gone'",
                "/usr/bin/java -cp /opt/app/index.js dev.Main /gone",
                "/bin/sh -ec 'if [ -x /gone ]; then /gone; fi'",
                "/usr/bin/node /run/made-later.js"
            })
    void whatIsNotSureIsNoFinding(String command) {
        Root root = starting(command)
                .text("/opt/app/index.js", "")
                .program("/usr/bin/true", Elves.program().bytes());
        for (String name : new String[] {"node", "python3", "java"}) {
            root.program("/usr/bin/" + name, Elves.program().bytes());
        }
        Found.noError(root.findings());
    }

    @Test
    void aLauncherIsFollowedToWhatItSurelyStarts() {
        Found.error(
                script(
                                "#!/bin/sh\n# A launcher.\nexec /opt/agent/runtime/bin/java -Xmx64m \\\n  -cp /opt/agent/a.jar Main \"$@\"\n")
                        .findings(),
                CauseCode.EXEC_MISSING,
                "/opt/agent/runtime/bin/java",
                Root.AGENT + ":3");
        Root root = script(
                "#!/bin/sh\nexec /opt/agent/runtime/bin/java -cp /opt/agent/a.jar:/opt/agent/b.jar Main \"$@\"\n");
        root.program("/opt/agent/runtime/bin/java", Elves.program().bytes()).text("/opt/agent/a.jar", "");
        Found.error(root.findings(), CauseCode.EXEC_MISSING, "/opt/agent/b.jar");
        Found.nothing(root.text("/opt/agent/b.jar", "").findings());
        Found.nothing(script(
                        "#!/bin/sh\nif [ -x /gone ]; then\nexec /gone\nfi\nmain() {\nexec /gone\n}\nwhile :; do :; done\n")
                .findings());
        Found.error(
                script("#!/bin/bash\nset -e\n/opt/other --now\n")
                        .program("/usr/bin/bash", Elves.program().bytes())
                        .findings(),
                CauseCode.EXEC_MISSING,
                "/opt/other");
    }

    @Test
    void whatComesFromTheImageIsCleanedAndBounded() {
        Finding found =
                Found.error(starting("/opt/\u001b[31mevil" + "x".repeat(5000)).findings(), CauseCode.EXEC_MISSING);
        assertThat(found.text()).doesNotContain("\u001b").hasSizeLessThan(700);
    }
}
