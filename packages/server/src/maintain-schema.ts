import { createLogger, LogSink } from '@slipway/request-log'
import { parseConfig } from './config/index.ts'
import { type Migration, migrateSchema } from './database/index.ts'
import { findDatabase } from './open-context.ts'

/** A step of the schema, as the command line lists it. */
export type SchemaStep = Pick<Migration, 'version' | 'name'>

/**
 * Migrates the database that a server with these flags and this environment would use, without starting one (OP-176). What
 * it does is logged on standard error.
 *
 * @returns the steps that were pending; with `dryRun` they still are.
 * @throws Error with a message for the operator.
 */
export async function migrateDatabase(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  { dryRun }: { readonly dryRun: boolean },
): Promise<readonly SchemaStep[]> {
  const configuration = parseConfig(argv, environment)
  if (configuration.kind === 'refused') throw new Error(configuration.errors.join('\n'))
  if (configuration.kind === 'print') throw new Error('give the flags of the server that name its database')
  await using steps = new AsyncDisposableStack()
  const log = createLogger({ level: 'info', sink: steps.use(new LogSink(2)) })
  const { url } = await findDatabase(configuration.config, log, steps)
  return migrateSchema({ url, log, dryRun })
}
