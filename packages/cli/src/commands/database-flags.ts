import type { Command, Option } from 'commander'

import { type GlobalFlags, option } from '../flags.ts'

/** Flags of commands that work on the database itself. */
export interface DatabaseFlags extends GlobalFlags {
  readonly postgresUrl?: string
  readonly config?: string
}

/** Which database a command works on. */
export function postgresUrlOption(): Option {
  return option(
    '--postgres-url <url>',
    'database of the deployment; without it, the embedded database of this machine, whose server must not be running',
    'CODER_PG_CONNECTION_URL',
  )
}

/** Adds {@link DatabaseFlags} to a command. */
export function databaseOptions(command: Command): Command {
  return command
    .addOption(postgresUrlOption())
    .addOption(option('-c, --config <file>', 'YAML file with settings of the server', 'CODER_CONFIG_PATH'))
}

/** The flags as the server takes them. */
export function databaseArguments(flags: DatabaseFlags): string[] {
  return serverArguments([
    ['--global-config', flags.globalConfig],
    ['--postgres-url', flags.postgresUrl],
    ['--config', flags.config],
  ])
}

/** Settings as arguments of the server, without those that are not given. */
export function serverArguments(
  settings: readonly (readonly [name: string, value: string | undefined])[],
): string[] {
  return settings.flatMap(([name, value]) => (value === undefined || value === '' ? [] : [name, value]))
}
