import { createLogger, LogSink } from '@slipway/request-log'
import { parseConfig } from './config/index.ts'
import { migrateDatabase, type SchemaStep } from './open-context.ts'

/**
 * Migrates the database that a server with these flags and this environment would use, without starting one (OP-176). What
 * it does is logged on standard error.
 *
 * @returns the steps that were pending; with `dryRun` they still are.
 * @throws Error with a message for the operator.
 */
export async function migrateByCommand(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  options: { readonly dryRun: boolean },
): Promise<readonly SchemaStep[]> {
  const configuration = parseConfig(argv, environment)
  if (configuration.kind === 'refused') throw new Error(configuration.errors.join('\n'))
  if (configuration.kind === 'print') throw new Error('give the flags of the server that name its database')
  using sink = new LogSink(2)
  return await migrateDatabase(configuration.config, createLogger({ level: 'info', sink }), options)
}
