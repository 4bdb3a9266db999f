import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'

import { Client } from '@slipway/client'
import { CommandError } from './errors.ts'

/** Flags that every command takes. */
export interface GlobalFlags {
  readonly url?: string
  readonly token?: string
  readonly globalConfig?: string
  readonly header?: readonly string[]
  readonly verbose?: boolean
}

/** Folder of the command's own files. */
export function configDirectory(flags: GlobalFlags): string {
  return (
    flags.globalConfig ??
    process.env.CODER_CONFIG_DIR ??
    path.join(process.env.XDG_CONFIG_HOME ?? path.join(homedir(), '.config'), 'slipway')
  )
}

/** The server and the session that commands use: flags, then environment, then the last `login` (OP-§17.1). */
export async function openSession(flags: GlobalFlags): Promise<Client> {
  const directory = configDirectory(flags)
  const url = flags.url ?? process.env.CODER_URL ?? (await stored(directory, 'url'))
  const token = flags.token ?? process.env.CODER_SESSION_TOKEN ?? (await stored(directory, 'session'))
  if (url === undefined || token === undefined)
    throw new CommandError('you are not signed in: run `slipway login <url>`')
  return new Client({ url, token, headers: headersOf(flags) })
}

/** The server to sign in to. */
export async function knownUrl(flags: GlobalFlags): Promise<string | undefined> {
  return flags.url ?? process.env.CODER_URL ?? (await stored(configDirectory(flags), 'url'))
}

/** Headers from `--header name=value`. @throws CommandError for one that cannot be read. */
export function headersOf(flags: GlobalFlags): Record<string, string> {
  return Object.fromEntries(
    (flags.header ?? []).map((entry) => {
      const at = entry.indexOf('=')
      if (at < 1) throw new CommandError(`--header must be name=value, not ${JSON.stringify(entry)}`)
      return [entry.slice(0, at), entry.slice(at + 1)]
    }),
  )
}

/** Remembers a session. */
export async function saveSession(flags: GlobalFlags, url: string, token: string): Promise<void> {
  const directory = configDirectory(flags)
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await writeFile(path.join(directory, 'url'), url, { mode: 0o600 })
  await writeFile(path.join(directory, 'session'), token, { mode: 0o600 })
}

/** Forgets the session. */
export async function forgetSession(flags: GlobalFlags): Promise<void> {
  for (const name of ['url', 'session']) await rm(path.join(configDirectory(flags), name), { force: true })
}

async function stored(directory: string, name: string): Promise<string | undefined> {
  const text = await readFile(path.join(directory, name), 'utf8').catch(() => '')
  return text.trim() === '' ? undefined : text.trim()
}
