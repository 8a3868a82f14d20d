package dev.sallyport.agent.desktop;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Chromium's managed policies: what the user of the machine's browser, who came to sign in, cannot do with it. Pages under
 * {@code file:} and {@code chrome:}, the developer tools, downloads and uploads would lead into the machine.
 */
final class ChromiumPolicies {
    /**
     * Names and values as in Chromium's list of policies. Developer tools are closed to the user by their address alone: the policy
     * that forbids them would forbid the agent's own DevTools pipe too.
     */
    private static final String POLICIES =
            """
            {
              "AllowFileSelectionDialogs": false,
              "AudioCaptureAllowed": false,
              "AutofillAddressEnabled": false,
              "AutofillCreditCardEnabled": false,
              "BackgroundModeEnabled": false,
              "BookmarkBarEnabled": false,
              "BrowserAddPersonEnabled": false,
              "BrowserGuestModeEnabled": false,
              "BrowserSignin": 0,
              "CommandLineFlagSecurityWarningsEnabled": false,
              "ComponentUpdatesEnabled": false,
              "DefaultBrowserSettingEnabled": false,
              "DefaultGeolocationSetting": 2,
              "DefaultNotificationsSetting": 2,
              "DefaultSearchProviderEnabled": false,
              "DeveloperToolsAvailability": 1,
              "DnsOverHttpsMode": "off",
              "DownloadRestrictions": 3,
              "ExtensionInstallBlocklist": ["*"],
              "IncognitoModeAvailability": 1,
              "MetricsReportingEnabled": false,
              "NetworkPredictionOptions": 2,
              "PasswordManagerEnabled": false,
              "PrintingEnabled": false,
              "PromotionsEnabled": false,
              "SafeBrowsingProtectionLevel": 0,
              "ScreenCaptureAllowed": false,
              "SearchSuggestEnabled": false,
              "SpellcheckEnabled": false,
              "SyncDisabled": true,
              "TaskManagerEndProcessEnabled": false,
              "TranslateEnabled": false,
              "URLBlocklist": ["file://*", "chrome://*", "chrome-untrusted://*", "devtools://*", "view-source:*", "javascript://*"],
              "VideoCaptureAllowed": false,
              "CACertificates": [AUTHORITIES]
            }
            """;

    private ChromiumPolicies() {}

    /**
     * Writes them.
     *
     * @param folder Chromium's folder of managed policies
     * @param authorities further authorities to trust, each as its DER in base64
     * @throws IOException when they cannot be written
     */
    static void write(Path folder, List<String> authorities) throws IOException {
        Files.createDirectories(folder);
        String list = authorities.stream().map(each -> '"' + each + '"').collect(Collectors.joining(", "));
        Files.write(folder.resolve("sallyport.json"), POLICIES.replace("AUTHORITIES", list).getBytes(StandardCharsets.UTF_8));
    }
}
