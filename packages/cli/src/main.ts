import { Command, CommanderError, Option } from 'commander'

import { configSshCommand } from './commands/config-ssh.ts'
import { createCommand } from './commands/create.ts'
import { loginCommands } from './commands/login.ts'
import { logsCommand } from './commands/logs.ts'
import { openCommands } from './commands/open.ts'
import { pingCommand } from './commands/ping.ts'
import { portForwardCommand } from './commands/port-forward.ts'
import { processCommands } from './commands/processes.ts'
import { sshCommand } from './commands/ssh.ts'
import { templateCommands } from './commands/templates.ts'
import { tokenCommands } from './commands/tokens.ts'
import { transitionCommands } from './commands/transitions.ts'
import { userCommands } from './commands/users.ts'
import { versionCommand } from './commands/version.ts'
import { workspaceCommands } from './commands/workspaces.ts'
import { CommandError, explain } from './errors.ts'
import { flagsOf, type GlobalFlags, switchedOn } from './flags.ts'
import { treatAsTerminal } from './prompt.ts'
import { repeat } from './repeat.ts'
import { ownVersion } from './version.ts'

/** Runs the command line; resolves to the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  let verbose = false
  const program = build().hook('preAction', (_program, command) => {
    const flags = flagsOf<GlobalFlags>(command)
    verbose = flags.verbose ?? switchedOn('CODER_VERBOSE')
    if (flags.forceTty ?? switchedOn('CODER_FORCE_TTY')) treatAsTerminal()
  })
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return typeof process.exitCode === 'number' ? process.exitCode : 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode
    process.stderr.write(explain(error, verbose))
    return error instanceof CommandError ? error.exitCode : 1
  }
}

function build(): Command {
  const program = new Command('slipway')
    .description('Work in the workspaces of a Slipway server')
    .version(`Coder ${ownVersion()} (Slipway)`, '--version')
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .showHelpAfterError()
    .exitOverride()
  loginCommands(program)
  workspaceCommands(program)
  createCommand(program)
  transitionCommands(program)
  sshCommand(program)
  configSshCommand(program)
  portForwardCommand(program)
  pingCommand(program)
  logsCommand(program)
  openCommands(program)
  templateCommands(program)
  userCommands(program)
  tokenCommands(program)
  versionCommand(program)
  processCommands(program)
  addGlobalOptions(program)
  return program
}

/** These are understood before and behind the name of a command (OP-181). */
function addGlobalOptions(command: Command): void {
  const hidden = command.parent !== null
  for (const option of [
    new Option('--url <url>', 'URL of the server'),
    new Option('--token <token>', 'session token'),
    new Option('--global-config <folder>', 'folder of the session and settings'),
    new Option(
      '--header <name=value>',
      'further header of every request; may be given several times',
    ).argParser(repeat),
    new Option('--header-command <command>', 'program that prints further headers, one name=value a line'),
    new Option(
      '--client-tls-ca-file <file>',
      'further authority that servers may be certified by, in PEM form',
    ),
    new Option('--no-version-warning', 'say nothing when the server has another version'),
    new Option('--no-feature-warning', 'accepted for compatibility: the server sends none'),
    new Option('--use-keyring [yes]', 'accepted for compatibility: the session is kept in a file').hideHelp(),
    new Option('--disable-direct-connections', 'accepted for compatibility: there are none').hideHelp(),
    new Option('--disable-network-telemetry', 'accepted for compatibility: there is none').hideHelp(),
    new Option('--force-tty', 'ask questions although there is no terminal'),
    new Option('--no-open', 'print addresses instead of opening a browser').hideHelp(),
    new Option('-v, --verbose', 'say more about failures'),
  ])
    command.addOption(hidden ? option.hideHelp() : option)
  for (const child of command.commands) if (child.name() !== 'server') addGlobalOptions(child)
}
