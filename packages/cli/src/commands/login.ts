import type { Command } from 'commander'

import { ApiFailure, Client } from '@slipway/client'
import { createFirstUser, createSessionKey, getFirstUser, getUser, login, logout } from '@slipway/contract'
import { CommandError } from '../errors.ts'
import { ask, askSecret } from '../prompt.ts'
import { forgetSession, type GlobalFlags, headersOf, knownUrl, openSession, saveSession } from '../session.ts'

interface LoginFlags extends GlobalFlags {
  readonly firstUserEmail?: string
  readonly firstUserUsername?: string
  readonly firstUserPassword?: string
  readonly firstUserFullName?: string
  readonly useTokenAsSession?: boolean
}

/** `login`, `logout` and `whoami`. */
export function loginCommands(program: Command): void {
  program
    .command('login [url]')
    .description(
      'Sign in to a server, and make the first account when there is none yet; `login token` prints the session',
    )
    .option('--first-user-email <email>', 'e-mail of the first account', process.env.CODER_FIRST_USER_EMAIL)
    .option(
      '--first-user-username <name>',
      'name of the first account',
      process.env.CODER_FIRST_USER_USERNAME,
    )
    .option(
      '--first-user-password <password>',
      'password of the first account',
      process.env.CODER_FIRST_USER_PASSWORD,
    )
    .option(
      '--first-user-full-name <name>',
      'full name of the first account',
      process.env.CODER_FIRST_USER_FULL_NAME,
    )
    .option('--use-token-as-session', 'keep the token of --token itself, instead of a session made with it')
    .action(async (url: string | undefined, _own: unknown, command: Command) => {
      const flags = command.optsWithGlobals<LoginFlags>()
      if (url === 'token') return printToken(flags)
      const server = serverUrl(url ?? (await knownUrl(flags)))
      const client = new Client({ url: server, headers: headersOf(flags) })
      if (!(await hasFirstUser(client))) await makeFirstUser(client, flags)
      if (flags.token === undefined && process.env.CODER_SESSION_TOKEN !== undefined)
        throw new CommandError(
          'CODER_SESSION_TOKEN is set, so every command uses it already: unset it, or give it with --token',
        )
      const token = flags.token === undefined ? await signIn(client, flags) : await session(server, flags)
      const me = await new Client({ url: server, token, headers: headersOf(flags) }).call(getUser, {
        params: { user: 'me' },
      })
      await saveSession(flags, server, token)
      process.stdout.write(`Welcome, ${me.username}. You are signed in to ${server}.\n`)
    })

  program
    .command('logout')
    .description('Sign out and forget the session')
    .option('-y, --yes', 'do not ask')
    .action(async (_own: unknown, command: Command) => {
      const flags = command.optsWithGlobals<GlobalFlags>()
      const client = await openSession(flags)
      // The session is forgotten here even when the server has ended it already, or cannot be reached.
      const failure = await client.call(logout).then(
        () => undefined,
        (error: unknown) => error,
      )
      await forgetSession(flags)
      if (failure !== undefined && !(failure instanceof ApiFailure && failure.status === 401)) throw failure
      process.stdout.write('You are signed out.\n')
    })

  program
    .command('whoami')
    .description('Show who is signed in, and where')
    .option('-o, --output <format>', 'table or json', 'table')
    .action(async (own: { output: string }, command: Command) => {
      const client = await openSession(command.optsWithGlobals<GlobalFlags>())
      const me = await client.call(getUser, { params: { user: 'me' } })
      process.stdout.write(
        own.output === 'json'
          ? `${JSON.stringify({ url: client.url, username: me.username, id: me.id, email: me.email, roles: me.roles.map((role) => role.name) }, null, 2)}\n`
          : `Coder is running at ${client.url}, You're authenticated as ${me.username} !\n`,
      )
    })
}

function serverUrl(text: string | undefined): string {
  if (text === undefined) throw new CommandError('name the server: slipway login http://127.0.0.1:3000')
  const scheme = /^(localhost|127\.0\.0\.1|\[::1\])(:|\/|$)/.test(text) ? 'http' : 'https'
  const url = /^https?:\/\//.test(text) ? text : `${scheme}://${text}`
  if (!URL.canParse(url)) throw new CommandError(`${JSON.stringify(text)} is no URL`)
  return new URL(url).origin
}

/** A session of its own for this machine, so that a sign-out here leaves the token alone. */
async function session(server: string, flags: LoginFlags): Promise<string> {
  const token = flags.token ?? ''
  if (flags.useTokenAsSession === true) return token
  const client = new Client({ url: server, token, headers: headersOf(flags) })
  return (await client.call(createSessionKey, { params: { user: 'me' } })).key
}

async function printToken(flags: LoginFlags): Promise<void> {
  const { headers } = await openSession(flags)
  process.stdout.write(`${headers['Coder-Session-Token'] ?? ''}\n`)
}

async function hasFirstUser(client: Client): Promise<boolean> {
  try {
    await client.call(getFirstUser)
    return true
  } catch (error) {
    if (error instanceof ApiFailure && error.status === 404) return false
    throw error
  }
}

async function makeFirstUser(client: Client, flags: LoginFlags): Promise<void> {
  process.stderr.write('This server has no account yet: make the first one.\n')
  const email = flags.firstUserEmail ?? (await ask('E-mail', '--first-user-email'))
  const username =
    flags.firstUserUsername ?? (await ask('User name', '--first-user-username', email.split('@')[0]))
  const password = flags.firstUserPassword ?? (await askSecret('Password', '--first-user-password'))
  await client.call(createFirstUser, {
    body: {
      email,
      username,
      password,
      ...(flags.firstUserFullName === undefined ? {} : { name: flags.firstUserFullName }),
    },
  })
  remembered = { email, password }
}

/** What was typed for the first account signs in as well. */
let remembered: { readonly email: string; readonly password: string } | undefined

async function signIn(client: Client, flags: LoginFlags): Promise<string> {
  const email = remembered?.email ?? flags.firstUserEmail ?? (await ask('E-mail', '--token'))
  const password = remembered?.password ?? flags.firstUserPassword ?? (await askSecret('Password', '--token'))
  const { session_token: token } = await client.call(login, { body: { email, password } })
  return token
}
