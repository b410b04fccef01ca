import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vite'

// Plain names, so that the built page differs only where the sources do; nothing inline, since the policy forbids it.
export default defineConfig({
  plugins: [svelte()],
  base: './',
  worker: { format: 'es', rollupOptions: { output: { entryFileNames: 'studio-hub.js' } } },
  build: {
    outDir: '../src/untaught/studio/static', // page/check.sh names another with --outDir
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
    rollupOptions: {
      output: {
        entryFileNames: 'studio.js',
        chunkFileNames: 'studio-[name].js',
        assetFileNames: 'studio.[ext]',
      },
    },
  },
})
