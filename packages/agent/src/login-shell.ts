import { accessSync, constants, existsSync } from 'node:fs'
import path from 'node:path'

/** A program with its arguments. */
export interface Program {
  readonly program: string
  readonly args: string[]
}

/**
 * A login shell that begins with the message of the day, unless there is none or `~/.hushlogin` hides it
 * (AC-114).
 *
 * @param motdFile file of the message; empty for none.
 */
export function loginShell(shell: string, motdFile: string, home: string | undefined): Program {
  if (motdFile === '' || existsSync(path.join(home ?? '/', '.hushlogin')) || !isReadable(motdFile))
    return { program: shell, args: ['-l'] }
  return { program: '/bin/sh', args: ['-c', 'cat -- "$1"; exec "$2" -l', 'sh', motdFile, shell] }
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK)
    return true
  } catch {
    return false
  }
}
