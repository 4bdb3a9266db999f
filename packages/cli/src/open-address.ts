import { spawn } from 'node:child_process'

import type { GlobalFlags } from './flags.ts'

/** Prints an address, and opens it with what the system has for it unless `--no-open` forbids it. */
export function openAddress(
  address: string,
  flags: GlobalFlags,
  out: NodeJS.WriteStream = process.stdout,
): void {
  out.write(`${address}\n`)
  if (flags.open === false || process.env.CODER_NO_OPEN === 'true') return
  const program =
    process.platform === 'darwin' ? 'open' : process.platform === 'win32' ? 'explorer' : 'xdg-open'
  const child = spawn(program, [address], { stdio: 'ignore', detached: true })
  // The address stands on the screen; a machine without a browser has nothing to add.
  child.on('error', () => undefined)
  child.unref()
}
