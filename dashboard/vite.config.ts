import { readFileSync } from 'node:fs';
import { defineConfig, type Plugin } from 'vite';

/** Whoever gets the page gets the licences of what is in it. */
function licences(): Plugin {
  const parts = ['LICENSE.txt', 'docs/LICENSE.MPL-2.0', 'vendor/pako/LICENSE'];
  return {
    name: 'licences',
    generateBundle() {
      const texts = parts.map((part) => `@novnc/novnc: ${part}\n\n${readFileSync(`node_modules/@novnc/novnc/${part}`, 'utf8')}`);
      this.emitFile({ type: 'asset', fileName: 'licences.txt', source: texts.join('\n\n--------\n\n') });
    },
  };
}

export default defineConfig({
  plugins: [licences()],
  build: {
    target: 'es2022',
    emptyOutDir: true,
    sourcemap: false,
    // Nothing inline: the page is served under a content security policy that allows files of its own origin alone.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 800,
  },
});
