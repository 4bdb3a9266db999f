import { execFile } from 'node:child_process'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

import type { Command } from 'commander'

import { Connection } from './connection.ts'
import { CommandError } from './errors.ts'
import { commandPath, flagsOf, type GlobalFlags, givenOptions } from './flags.ts'
import { Transport } from './transport.ts'
import { ownVersion, versionWarning } from './version.ts'

const HEADER_COMMAND_MS = 30_000
const MAX_TELEMETRY = 4_096

/** What somebody without a session is told. */
export const LOGGED_OUT = "You are not logged in. Try logging in using 'slipway login <url>'."

/** Folder of the command's own files: the one that existing clients and editors look in, too (OP-181). */
export function configDirectory(flags: GlobalFlags): string {
  return path.resolve(flags.globalConfig ?? defaultDirectory())
}

/** Where that folder is unless a flag or a variable names another one. */
export function defaultDirectory(): string {
  const { APPDATA, XDG_CONFIG_HOME } = process.env
  if (process.platform === 'darwin') return path.join(homedir(), 'Library', 'Application Support', 'coderv2')
  if (process.platform === 'win32') return path.join(APPDATA ?? homedir(), 'coderv2')
  return path.join(XDG_CONFIG_HOME || path.join(homedir(), '.config'), 'coderv2')
}

/**
 * The server and the session that a command uses: flags, then environment, then the last `login` (OP-183).
 *
 * @throws CommandError without a session, and for one of another server, whose secret is no other's business.
 */
export async function openSession(command: Command): Promise<Connection> {
  const flags = flagsOf<GlobalFlags>(command)
  const kept = await storedSession(flags)
  const [url, token] = [flags.url ?? kept.url, flags.token ?? kept.token]
  if (url === undefined || token === undefined) throw new CommandError(LOGGED_OUT)
  if (flags.token === undefined && kept.url !== undefined && serverUrl(kept.url) !== serverUrl(url))
    throw new CommandError(
      `the session here is one of ${kept.url}, and is not sent to ${url}: sign in with \`slipway login ${url}\``,
    )
  return connect(command, serverUrl(url), token)
}

/**
 * The address of a server as people write it: without a scheme it is https, but http on this machine.
 *
 * @throws CommandError for what is none.
 */
export function serverUrl(text: string): string {
  const scheme = /^(localhost|127\.0\.0\.1|\[::1\])(:|\/|$)/.test(text) ? 'http' : 'https'
  const url = URL.parse(/^https?:\/\//i.test(text) ? text : `${scheme}://${text}`)
  if (url === null || /^\w+:\/\//.test(text.replace(/^https?:/i, '')) || url.username !== '')
    throw new CommandError(
      `${JSON.stringify(text)} is no address of a server: write https://host or host:port`,
    )
  return url.origin
}

/** A client of this server for a command, with or without a session. @throws CommandError for flags it cannot use. */
export async function connect(command: Command, url: string, token?: string): Promise<Connection> {
  const flags = flagsOf<GlobalFlags>(command)
  const transport = await Transport.open({
    ca: flags.clientTlsCaFile,
    cert: flags.clientTlsCertFile,
    key: flags.clientTlsKeyFile,
  })
  let warned = flags.versionWarning === false
  const options = {
    url,
    token,
    headers: { ...headersOf(flags), ...(await commandedHeaders(flags, url)), ...introduction(command) },
    onAnswer: (headers: { get(name: string): string | null }) => {
      if (warned) return
      warned = true
      const warning = versionWarning(headers.get('X-Coder-Build-Version') ?? '', url)
      if (warning !== undefined) process.stderr.write(warning)
    },
  }
  return new Connection(options, transport)
}

/** What the last `login` left here (OP-182). */
export async function storedSession(flags: GlobalFlags): Promise<{ url?: string; token?: string }> {
  const directory = configDirectory(flags)
  const [url, token] = [await stored(directory, 'url'), await stored(directory, 'session')]
  return { ...(url === undefined ? {} : { url }), ...(token === undefined ? {} : { token }) }
}

/** Remembers a session, in files that only this account reads. */
export async function saveSession(flags: GlobalFlags, url: string, token: string): Promise<void> {
  const directory = configDirectory(flags)
  await mkdir(directory, { recursive: true, mode: 0o750 })
  for (const [name, text] of [
    ['url', url],
    ['session', token],
  ] as const) {
    // A new file, because one that is there keeps the mode it has.
    const file = path.join(directory, name)
    await rm(`${file}.new`, { force: true })
    await writeFile(`${file}.new`, text, { mode: 0o600 })
    await rename(`${file}.new`, file)
  }
}

/** Forgets the session as far as that goes. Returns what could not be removed, and why. */
export async function forgetSession(flags: GlobalFlags): Promise<readonly string[]> {
  const failures: string[] = []
  for (const name of ['url', 'session', 'organization'])
    await rm(path.join(configDirectory(flags), name), { force: true }).catch((error: unknown) => {
      failures.push(error instanceof Error ? error.message : String(error))
    })
  return failures
}

/** Headers from `--header name=value`. @throws CommandError for one that cannot be read. */
function headersOf(flags: GlobalFlags): Record<string, string> {
  return readHeaders(flags.header ?? [], '--header')
}

/** Headers that a program of the user prints, one `name=value` a line, such as a proxy's token that changes. */
async function commandedHeaders(flags: GlobalFlags, url: string): Promise<Record<string, string>> {
  const line = flags.headerCommand
  if (line === undefined) return {}
  const [shell, option] = process.platform === 'win32' ? ['cmd.exe', '/c'] : ['sh', '-c']
  const { stdout } = await promisify(execFile)(shell, [option, line], {
    env: { ...process.env, CODER_URL: url },
    timeout: HEADER_COMMAND_MS,
  }).catch((error: unknown) => {
    throw new CommandError(
      `--header-command has failed: ${error instanceof Error ? error.message.trim() : String(error)}`,
    )
  })
  return readHeaders(stdout.split(/\r?\n/).filter(Boolean), '--header-command')
}

function readHeaders(entries: readonly string[], flag: string): Record<string, string> {
  return Object.fromEntries(
    entries.map((entry) => {
      const at = entry.indexOf('=')
      if (at < 1) throw new CommandError(`${flag} must give name=value, not ${JSON.stringify(entry)}`)
      return [entry.slice(0, at), entry.slice(at + 1)]
    }),
  )
}

/** Says which program asks, and which options it was given, without their values (OP-184). */
function introduction(command: Command): Record<string, string> {
  const name = commandPath(command)
  const telemetry = Buffer.from(
    JSON.stringify({ command: name, options: givenOptions(command), invoked_at: new Date().toISOString() }),
  ).toString('base64')
  return {
    'User-Agent': `coder-cli/${ownVersion()} (${process.platform}/${process.arch}; ${name})`,
    ...(telemetry.length > MAX_TELEMETRY ? {} : { 'Coder-CLI-Telemetry': telemetry }),
  }
}

async function stored(directory: string, name: string): Promise<string | undefined> {
  const text = await readFile(path.join(directory, name), 'utf8').catch(() => '')
  return text.trim() === '' ? undefined : text.trim()
}
