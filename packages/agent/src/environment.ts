import { type UserInfo, userInfo } from 'node:os'
import path from 'node:path'

import type { AgentManifest } from '@slipway/contract'

/** Variables of the agent itself that must not reach what it starts. */
const OWN = new Set([
  'CODER_AGENT_TOKEN_FILE',
  'SLIPWAY_AGENT_ACCOUNT',
  'SLIPWAY_AGENT_DIRECTORY',
  'NODE_OPTIONS',
])

/** What the processes of a workspace get beside the manifest. */
export interface EnvironmentParts {
  readonly manifest: AgentManifest
  readonly accessUrl: string
  readonly token: string
  /** Command that git runs in place of ssh. */
  readonly gitSshCommand: string
  /** Program that git asks for passwords; undefined when no provider is configured. */
  readonly gitAskpass: string | undefined
  /** Socket by which programs speak to the agent. */
  readonly agentSocket: string
  /** Folder that scripts may put programs into. */
  readonly binDirectory: string
  readonly inherited: NodeJS.ProcessEnv
}

/**
 * The environment of every process that the agent starts (AC-112): predefined values, then what the agent
 * itself got, then the manifest's with `$VAR` expanded, then the owner's secrets as they are; later ones override
 * earlier ones, except that the inherited ones only fill gaps.
 */
export function processEnvironment(parts: EnvironmentParts): Record<string, string> {
  const { manifest } = parts
  const env: Record<string, string> = {
    CODER: 'true',
    CODER_WORKSPACE_NAME: manifest.workspace_name,
    CODER_WORKSPACE_AGENT_NAME: manifest.agent_name,
    CODER_WORKSPACE_OWNER_NAME: manifest.owner_username,
    CODER_WORKSPACE_ID: manifest.workspace_id,
    CODER_AGENT_TOKEN: parts.token,
    CODER_URL: parts.accessUrl,
    CODER_AGENT_SOCKET_PATH: parts.agentSocket,
    GIT_SSH_COMMAND: parts.gitSshCommand,
    CS_DISABLE_GETTING_STARTED_OVERRIDE: 'true',
    ...(manifest.vs_code_port_proxy_uri === '' ? {} : { VSCODE_PROXY_URI: manifest.vs_code_port_proxy_uri }),
  }
  for (const [name, value] of Object.entries(parts.inherited))
    if (value !== undefined && !(name in env) && !OWN.has(name)) env[name] = value
  Object.assign(env, expanded(manifest.environment_variables, env))
  if (parts.gitAskpass !== undefined) env.GIT_ASKPASS = parts.gitAskpass
  for (const { env_name: name, value } of manifest.secrets) if (name !== '') env[name] = value
  env.PATH = `${parts.binDirectory}${path.delimiter}${env.PATH ?? '/usr/local/bin:/usr/bin:/bin'}`
  env.SHELL = shellOf(env)
  env.HOME ??= accountOf()?.homedir ?? '/'
  const name = env.USER ?? accountOf()?.username
  if (name !== undefined) {
    env.USER = name
    env.LOGNAME ??= name
  }
  return env
}

/**
 * Environment of a terminal: its type, and characters as UTF-8 where the locale says otherwise or nothing, because
 * that is what viewers show (AC-121).
 */
export function terminalEnvironment(env: Readonly<Record<string, string>>): Record<string, string> {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || ''
  return {
    ...env,
    TERM: 'xterm-256color',
    ...(/utf-?8/i.test(locale) ? {} : { LC_CTYPE: 'C.UTF-8' }),
  }
}

/**
 * Values with `$NAME` and `${NAME}` replaced. They may refer to each other in any order; one that leads back to
 * itself, as in `$HOME/bin:$PATH`, means the value from before.
 */
function expanded(
  values: Readonly<Record<string, string>>,
  before: Readonly<Record<string, string>>,
): Record<string, string> {
  const resolve = (name: string, within: readonly string[]): string => {
    const value = values[name]
    if (value === undefined || within.includes(name)) return before[name] ?? ''
    return value.replace(/\$(\w+)|\$\{(\w+)\}/g, (_all, plain?: string, braced?: string) =>
      resolve(plain ?? braced ?? '', [...within, name]),
    )
  }
  return Object.fromEntries(Object.keys(values).map((name) => [name, resolve(name, [])]))
}

/** The user's shell: the environment's, else the account's, else `/bin/sh`. */
export function shellOf(env: Readonly<Record<string, string | undefined>>): string {
  if (env.SHELL !== undefined && env.SHELL !== '') return env.SHELL
  try {
    return userInfo().shell ?? '/bin/sh'
  } catch {
    return '/bin/sh'
  }
}

/** The account that the agent runs under; undefined when the system does not know it. */
function accountOf(): UserInfo<string> | undefined {
  try {
    return userInfo()
  } catch {
    return undefined
  }
}

/** A folder of the manifest as a path: `~` and `$HOME` mean the home folder, a relative one starts there. */
export function expandDirectory(directory: string, home: string): string {
  if (directory === '' || directory === '~') return home
  const expanded = directory.replace(/^~(?=\/)/, home).replace(/\$HOME|\$\{HOME\}/g, home)
  return path.resolve(home, expanded)
}
