import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'

import type { Command } from 'commander'

import { SHELLS, type Shell, scriptFor } from '../completion.ts'
import { CommandError } from '../errors.ts'

const BEGIN = '# ------------START-SLIPWAY-COMPLETION------------'
const END = '# ------------END-SLIPWAY-COMPLETION--------------'

/** `completion` (OP-188). */
export function completionCommand(program: Command): void {
  program
    .command('completion')
    .option('-s, --shell <shell>', `${SHELLS.join(', ')}; the one that SHELL names when absent`)
    .option('-p, --print', 'print the script instead of setting it up')
    .action(async (own: { shell?: string; print?: boolean }) => {
      const shell = shellNamed(own.shell ?? path.basename(process.env.SHELL ?? ''))
      if (own.print === true) process.stdout.write(scriptFor(shell))
      else process.stderr.write(`Wrote ${await install(shell)}. New shells complete commands and flags.\n`)
    })
}

function shellNamed(name: string): Shell {
  const known = SHELLS.find((shell) => shell === name)
  if (known === undefined)
    throw new CommandError(`--shell must be one of ${SHELLS.join(', ')}, not ${JSON.stringify(name)}`)
  return known
}

/** Sets the script up where the shell reads it. Returns the file. */
async function install(shell: Shell): Promise<string> {
  switch (shell) {
    case 'bash':
      return addSection(path.join(homedir(), '.bashrc'), shell)
    case 'zsh':
      return addSection(path.join(process.env.ZDOTDIR || homedir(), '.zshrc'), shell)
    case 'fish': {
      const folder = path.join(
        process.env.XDG_CONFIG_HOME || path.join(homedir(), '.config'),
        'fish',
        'conf.d',
      )
      await mkdir(folder, { recursive: true })
      const file = path.join(folder, 'slipway.fish')
      await writeFile(file, scriptFor(shell))
      return file
    }
    case 'powershell':
      throw new CommandError('add --print, and put what it prints into the file that $PROFILE names')
  }
}

/** Puts the script into a file between two marks, in the place of an earlier one. */
async function addSection(file: string, shell: Shell): Promise<string> {
  const before = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw new CommandError(`${file} cannot be read: ${error.message}`)
  })
  const section = `${BEGIN}\n${scriptFor(shell)}${END}\n`
  const [start, end] = [before.indexOf(BEGIN), before.indexOf(END)]
  if (start === -1 && end === -1)
    await writeFile(file, `${before}${before === '' || before.endsWith('\n') ? '' : '\n'}${section}`)
  else if (start !== -1 && end > start) {
    const rest = before.slice(end + END.length).replace(/^\n/, '')
    await writeFile(file, `${before.slice(0, start)}${section}${rest}`)
  } else
    throw new CommandError(`${file} holds one mark of the section without the other: take it out by hand`)
  return file
}
