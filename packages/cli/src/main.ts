import { readFileSync } from 'node:fs'

import { Command, CommanderError, Option } from 'commander'

import { agentCommands } from './commands/agents.ts'
import { configSshCommand } from './commands/config-ssh.ts'
import { loginCommands } from './commands/login.ts'
import { portForwardCommand } from './commands/port-forward.ts'
import { processCommands } from './commands/processes.ts'
import { sshCommand } from './commands/ssh.ts'
import { templateCommands } from './commands/templates.ts'
import { tokenCommands } from './commands/tokens.ts'
import { userCommands } from './commands/users.ts'
import { workspaceCommands } from './commands/workspaces.ts'
import { CommandError, explain } from './errors.ts'
import { repeat } from './repeat.ts'

/** Runs the command line; resolves to the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const program = build()
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return typeof process.exitCode === 'number' ? process.exitCode : 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode
    process.stderr.write(explain(error))
    return error instanceof CommandError ? error.exitCode : 1
  }
}

function build(): Command {
  const program = new Command('slipway')
    .description('Work in the workspaces of a Slipway server')
    .version(version(), '--version')
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .showHelpAfterError()
    .exitOverride()
  loginCommands(program)
  workspaceCommands(program)
  sshCommand(program)
  configSshCommand(program)
  portForwardCommand(program)
  agentCommands(program)
  templateCommands(program)
  userCommands(program)
  tokenCommands(program)
  processCommands(program)
  addGlobalOptions(program)
  return program
}

/** These are understood before and behind the name of a command. */
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
    new Option('--no-version-warning', 'accepted for compatibility'),
    new Option('--no-feature-warning', 'accepted for compatibility'),
    new Option('-v, --verbose', 'say more'),
  ])
    command.addOption(hidden ? option.hideHelp() : option)
  for (const child of command.commands) if (child.name() !== 'server') addGlobalOptions(child)
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? `Coder v${String(manifest.version)} (Slipway)`
    : 'Coder v0.0.0 (Slipway)'
}
