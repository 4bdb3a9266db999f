import path from 'node:path'
import { fileURLToPath } from 'node:url'

import type { GlobalFlags } from './flags.ts'
import { configDirectory, defaultDirectory } from './session.ts'

/** How other programs run this command, from any folder and whatever their PATH is. */
export function ownProgram(): readonly [program: string, script: string] {
  return [process.execPath, fileURLToPath(new URL('../bin/slipway.js', import.meta.url))]
}

/** Flags before the name of a command that a run by another program needs again. */
export function lastingFlags(flags: GlobalFlags): readonly string[] {
  const folder = configDirectory(flags)
  const files = [
    ['--client-tls-ca-file', flags.clientTlsCaFile],
    ['--client-tls-cert-file', flags.clientTlsCertFile],
    ['--client-tls-key-file', flags.clientTlsKeyFile],
  ] as const
  return [
    // It is run from other folders and with other variables.
    ...(folder === defaultDirectory() ? [] : ['--global-config', folder]),
    ...(flags.header ?? []).flatMap((header) => ['--header', header]),
    ...(flags.headerCommand === undefined ? [] : ['--header-command', flags.headerCommand]),
    ...files.flatMap(([flag, file]) => (file === undefined ? [] : [flag, path.resolve(file)])),
  ]
}
