import { createLogger, LogSink } from '@slipway/request-log'
import { parseConfig } from './config/index.ts'
import { openContext } from './open-context.ts'
import { regenerateKeyPair } from './web-push/index.ts'

/**
 * Replaces the keys of web push (OP-140) in the deployment that a server with these flags and this environment would
 * serve.
 *
 * @returns how many subscriptions were dropped.
 * @throws Error with a message for the operator.
 */
export async function regenerateWebPushKeys(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const configuration = parseConfig(argv, environment)
  if (configuration.kind === 'refused') throw new Error(configuration.errors.join('\n'))
  if (configuration.kind === 'print') throw new Error('give the flags of the server that name its database')
  await using steps = new AsyncDisposableStack()
  const log = createLogger({ level: 'error', sink: steps.use(new LogSink(2)) })
  const { context } = await openContext({ configuration, log, listening: () => '' }, steps)
  return await regenerateKeyPair(context)
}
