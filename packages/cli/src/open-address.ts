import { spawn } from 'node:child_process'

import type { GlobalFlags } from './flags.ts'

/** Whether addresses are opened, or printed only (`--no-open`). */
export function opensAddresses(flags: GlobalFlags): boolean {
  return flags.open !== false
}

/**
 * Opens an address with what the system has for it unless `--no-open` forbids it, and prints it.
 *
 * @param shown what is printed, where the address itself holds a secret
 */
export function openAddress(
  address: string,
  flags: GlobalFlags,
  out: NodeJS.WriteStream = process.stdout,
  shown = address,
): void {
  out.write(`${shown}\n`)
  if (!opensAddresses(flags)) return
  const program =
    process.platform === 'darwin' ? 'open' : process.platform === 'win32' ? 'explorer' : 'xdg-open'
  const child = spawn(program, [address], { stdio: 'ignore', detached: true })
  // The address stands on the screen; a machine without a browser has nothing to add.
  child.on('error', () => undefined)
  child.unref()
}
