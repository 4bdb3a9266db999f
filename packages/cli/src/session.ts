import { execFile } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'
import tls from 'node:tls'
import { promisify } from 'node:util'

import type { Command } from 'commander'

import { Client } from '@slipway/client'
import { CommandError } from './errors.ts'
import { commandPath, flagsOf, type GlobalFlags, givenOptions, listIn, switchedOn } from './flags.ts'
import { ownVersion, versionWarning } from './version.ts'

const HEADER_COMMAND_MS = 30_000
const MAX_TELEMETRY = 4_096

/** Folder of the command's own files. */
export function configDirectory(flags: GlobalFlags): string {
  return (
    flags.globalConfig ??
    process.env.CODER_CONFIG_DIR ??
    path.join(process.env.XDG_CONFIG_HOME ?? path.join(homedir(), '.config'), 'slipway')
  )
}

/** The server and the session that a command uses: flags, then environment, then the last `login` (OP-183). */
export async function openSession(command: Command): Promise<Client> {
  const flags = flagsOf<GlobalFlags>(command)
  const directory = configDirectory(flags)
  const url = flags.url ?? process.env.CODER_URL ?? (await stored(directory, 'url'))
  const token = flags.token ?? process.env.CODER_SESSION_TOKEN ?? (await stored(directory, 'session'))
  if (url === undefined || token === undefined)
    throw new CommandError("You are not logged in. Try logging in using 'slipway login <url>'.")
  return connect(command, url, token)
}

/** A client of this server for a command, with or without a session. @throws CommandError for flags it cannot use. */
export async function connect(command: Command, url: string, token?: string): Promise<Client> {
  const flags = flagsOf<GlobalFlags>(command)
  await trust(flags.clientTlsCaFile ?? process.env.CODER_CLIENT_TLS_CA_FILE)
  let warned = flags.versionWarning === false || switchedOn('CODER_NO_VERSION_WARNING')
  return new Client({
    url,
    token,
    headers: { ...headersOf(flags), ...(await commandedHeaders(flags, url)), ...introduction(command) },
    onAnswer: (headers) => {
      if (warned) return
      warned = true
      const warning = versionWarning(headers.get('X-Coder-Build-Version') ?? '', url)
      if (warning !== undefined) process.stderr.write(warning)
    },
  })
}

/** The server of the last `login`, unless a flag or the environment names another one. */
export async function knownUrl(flags: GlobalFlags): Promise<string | undefined> {
  return flags.url ?? process.env.CODER_URL ?? (await stored(configDirectory(flags), 'url'))
}

/** What the last `login` left here (OP-182). */
export async function storedSession(flags: GlobalFlags): Promise<{ url?: string; token?: string }> {
  const directory = configDirectory(flags)
  const [url, token] = [await stored(directory, 'url'), await stored(directory, 'session')]
  return { ...(url === undefined ? {} : { url }), ...(token === undefined ? {} : { token }) }
}

/** Remembers a session. */
export async function saveSession(flags: GlobalFlags, url: string, token: string): Promise<void> {
  const directory = configDirectory(flags)
  await mkdir(directory, { recursive: true, mode: 0o750 })
  await writeFile(path.join(directory, 'url'), url, { mode: 0o600 })
  await writeFile(path.join(directory, 'session'), token, { mode: 0o600 })
}

/** Forgets the session. */
export async function forgetSession(flags: GlobalFlags): Promise<void> {
  for (const name of ['url', 'session', 'organization'])
    await rm(path.join(configDirectory(flags), name), { force: true })
}

/** Headers from `--header name=value`. @throws CommandError for one that cannot be read. */
function headersOf(flags: GlobalFlags): Record<string, string> {
  return readHeaders(flags.header ?? listIn('CODER_HEADER') ?? [], '--header')
}

/** Headers that a program of the user prints, one `name=value` a line, such as a proxy's token that changes. */
async function commandedHeaders(flags: GlobalFlags, url: string): Promise<Record<string, string>> {
  const line = flags.headerCommand ?? process.env.CODER_HEADER_COMMAND
  if (line === undefined || line === '') return {}
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

/** Lets requests and WebSockets of this process trust a further authority. */
async function trust(file: string | undefined): Promise<void> {
  if (file === undefined || file === '') return
  const certificates = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new CommandError(
      `--client-tls-ca-file cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    )
  })
  try {
    tls.setDefaultCACertificates([...tls.getCACertificates('default'), certificates])
  } catch {
    throw new CommandError(`--client-tls-ca-file: ${file} holds no certificate in PEM form`)
  }
}

async function stored(directory: string, name: string): Promise<string | undefined> {
  const text = await readFile(path.join(directory, name), 'utf8').catch(() => '')
  return text.trim() === '' ? undefined : text.trim()
}
