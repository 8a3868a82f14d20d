package dev.sallyport.image.verify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.model.CauseCode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What systemd refuses a unit for, and what it only warns of. */
final class UnitRulesTest {
    private static final String GOOD = "ExecStart=" + Root.AGENT + "\n";

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "Type=simple | no ExecStart=",
                "ExecStart=/bin/sh~ExecStart=/bin/sh | more than one|2 ExecStart=",
                "ExecStart=bin/agent | neither an absolute path",
                "ExecStart=/bin/sh -c 'not closed | quote is not closed",
                "ExecStart=/bin/sh~Type=oneshot~Restart=always | Restart=always",
                "ExecStart=/bin/sh~Type=dbus | BusName=",
                "ExecStart=/bin/sh~User=a b:c | User=",
                "ExecStart=/bin/sh~WorkingDirectory=relative | WorkingDirectory=",
                "ExecStop=/bin/sh | no ExecStart="
            })
    void isRefused(String service, String words) {
        Root root = Root.sound().unit("", service.replace('~', '\n') + "\n");
        Finding found = Found.error(root.findings(), CauseCode.UNIT_INVALID);
        assertThat(found.text()).containsAnyOf(words.split("\\|", -1)[0].strip(), "ExecStart= commands");
    }

    @Test
    void aSectionHeaderWithoutItsEndIsToldWithItsLine() {
        Root root = Root.sound().text(Root.UNIT, "[Unit]\nDescription=x\n[Service\nExecStart=/bin/sh\n");
        assertThat(Found.error(root.findings(), CauseCode.UNIT_INVALID, "[Service")
                        .line())
                .isEqualTo(3);
    }

    @Test
    void aFileWithoutAServiceSectionIsRefused() {
        Found.error(Root.sound().text(Root.UNIT, "garbage\n").findings(), CauseCode.UNIT_INVALID, "[Service]");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "Type=simpel | Type=simpel",
                "Restart=allways | Restart=allways",
                "Enviroment=A=b | did you mean 'Environment'",
                "nonsense | assigns nothing",
                "Environment=novalue | assigns nothing",
                "RemainAfterExit=perhaps | no truth value"
            })
    void isIgnoredWithAWarning(String line, String words) {
        Finding found = Found.warning(Root.sound().unit(line + "\n").findings(), CauseCode.UNIT_INVALID, words);
        assertThat(found.line()).isEqualTo(5);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Type=oneshot~ExecStart=/bin/sh~ExecStart=/bin/sh~",
                "Type=oneshot~RemainAfterExit=yes~ExecStop=/bin/sh~",
                "ExecStart=/gone~ExecStart=~ExecStart=/bin/sh~",
                "ExecStart=sh -c true~",
                "ExecStart=-@/bin/sh name -c \"a; b\"~",
                "ExecStart=/bin/sh \\~  -c \\~# between continued lines~  true~",
                "Environment=\"A=b c\" D=e~Restart=on-failure~ExecStart=/bin/sh -c 'it '\"is\" \\x41~",
                "ExecStart=/bin/%p-x ; /bin/sh~Type=oneshot~ExecStart=~ExecStart=/bin/sh ; /bin/sh~"
            })
    void isTaken(String service) {
        Found.nothing(Root.sound().unit("", service.replace('~', '\n')).findings());
    }

    @Test
    void otherSectionsAreIgnored() {
        Found.nothing(Root.sound()
                .text(Root.UNIT, "[X-Ours]\nanything\n[Service]\n" + GOOD + "\r\n")
                .findings());
        Found.warning(
                Root.sound()
                        .text(Root.UNIT, "[Servce]\nA=b\n[Service]\n" + GOOD)
                        .findings(),
                CauseCode.UNIT_INVALID,
                "[Servce]");
    }
}
