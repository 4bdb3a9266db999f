import { readFile } from 'node:fs/promises'

import type { Command } from 'commander'

import { ApiFailure } from '@slipway/client'
import { getAgentExternalAuth } from '@slipway/contract'
import { CommandError } from '../errors.ts'
import { flagsOf, type GlobalFlags, option } from '../flags.ts'
import { connect, serverUrl } from '../session.ts'

interface AccessTokenFlags {
  readonly extra?: string
  readonly agentUrl?: string
  readonly agentToken?: string
  readonly agentTokenFile?: string
}

/** `external-auth …`, for use inside of a workspace. */
export function externalAuthCommands(program: Command): void {
  const externalAuth = program.command('external-auth')
  externalAuth
    .command('access-token <provider>')
    .description(
      'Print a fresh token of a provider; when you are not connected, print where to connect and exit with 1',
    )
    .option('--extra <path>', 'print a field of what came with the token instead, such as authed_user.id')
    .addOption(option('--agent-url <url>', 'server of the workspace', 'CODER_AGENT_URL'))
    .addOption(option('--agent-token <token>', 'token of the workspace agent', 'CODER_AGENT_TOKEN'))
    .addOption(
      option('--agent-token-file <file>', 'file that holds the token of the agent', 'CODER_AGENT_TOKEN_FILE'),
    )
    .action(async (id: string, own: AccessTokenFlags, command: Command) => {
      const url = own.agentUrl ?? flagsOf<GlobalFlags>(command).url
      const token = own.agentToken ?? (await tokenOf(own.agentTokenFile))
      if (url === undefined || token === undefined)
        throw new CommandError(
          'this command runs inside of a workspace: there is no CODER_AGENT_TOKEN and no address of the server here',
        )
      const client = await connect(command, serverUrl(url), token)
      const answer = await client.call(getAgentExternalAuth, { query: { id } }).catch((error: unknown) => {
        if (error instanceof ApiFailure && error.status === 404)
          throw new CommandError(`the deployment has no external auth provider ${JSON.stringify(id)}`)
        throw error
      })
      if (answer.url !== '') {
        process.stdout.write(`${answer.url}\n`)
        process.exitCode = 1
      } else if (own.extra === undefined) process.stdout.write(`${answer.access_token}\n`)
      else process.stdout.write(`${fieldOf(answer.token_extra, own.extra)}\n`)
    })
}

async function tokenOf(file: string | undefined): Promise<string | undefined> {
  return file === undefined ? undefined : (await readFile(file, 'utf8')).trim()
}

/** A field by its path of names and indexes, as text or as JSON. @throws CommandError when there is none. */
function fieldOf(extra: Readonly<Record<string, unknown>>, path: string): string {
  let value: unknown = extra
  for (const name of path.split('.'))
    value =
      typeof value === 'object' && value !== null && Object.hasOwn(value, name)
        ? Reflect.get(value, name)
        : undefined
  if (value === undefined)
    throw new CommandError(
      `${JSON.stringify(path)} did not come with the token: what is kept of it says EXTRA_TOKEN_KEYS of the provider`,
    )
  return typeof value === 'string' ? value : JSON.stringify(value)
}
