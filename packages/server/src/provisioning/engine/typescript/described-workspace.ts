import { randomUUID } from 'node:crypto'

import { Cron } from 'croner'
import { type Static, Type } from 'typebox'

import type { Agent, AiTask, App, DisplayApp, Resource, Script } from '../description.ts'
import { EngineError } from '../engine.ts'
import { checker } from './checked.ts'

const Text = Type.String({ maxLength: 65_536 })
const Short = Type.String({ maxLength: 1_024 })
const Seconds = Type.Integer({ minimum: 0, maximum: 31_536_000 })
/** What the columns of the database hold. */
const MAX = 2_147_483_647
const Whole = Type.Integer({ minimum: -MAX, maximum: MAX })
const Share = Type.Enum(['owner', 'authenticated', 'organization', 'public'])

const DescribedApp = Type.Object({
  slug: Type.String({ pattern: '^[a-z0-9](-?[a-z0-9])*$', maxLength: 64 }),
  displayName: Type.Optional(Short),
  icon: Type.Optional(Short),
  group: Type.Optional(Short),
  order: Type.Optional(Whole),
  hidden: Type.Optional(Type.Boolean()),
  openIn: Type.Optional(Type.Enum(['slim-window', 'tab'])),
  tooltip: Type.Optional(Short),
  url: Type.Optional(Short),
  command: Type.Optional(Text),
  external: Type.Optional(Type.Boolean()),
  subdomain: Type.Optional(Type.Boolean()),
  share: Type.Optional(Share),
  healthcheck: Type.Optional(
    Type.Object({
      url: Short,
      interval: Type.Integer({ minimum: 1, maximum: MAX }),
      threshold: Type.Integer({ minimum: 1, maximum: MAX }),
    }),
  ),
})

type DescribedApp = Static<typeof DescribedApp>

const DescribedAgent = Type.Object({
  name: Type.String({ pattern: '^[a-zA-Z0-9](-?[a-zA-Z0-9])*$', maxLength: 64 }),
  os: Type.Optional(Type.Enum(['linux', 'darwin', 'windows'])),
  arch: Type.Optional(Type.Enum(['amd64', 'arm64', 'armv7'])),
  directory: Type.Optional(Short),
  env: Type.Optional(Type.Record(Type.String(), Text)),
  startupScript: Type.Optional(Text),
  startupScriptBehavior: Type.Optional(Type.Enum(['blocking', 'non-blocking'])),
  shutdownScript: Type.Optional(Text),
  scripts: Type.Optional(
    Type.Array(
      Type.Object({
        displayName: Short,
        script: Text,
        icon: Type.Optional(Short),
        logPath: Type.Optional(Short),
        cron: Type.Optional(Short),
        runOnStart: Type.Optional(Type.Boolean()),
        runOnStop: Type.Optional(Type.Boolean()),
        startBlocksLogin: Type.Optional(Type.Boolean()),
        timeout: Type.Optional(Seconds),
      }),
      { maxItems: 100 },
    ),
  ),
  metadata: Type.Optional(
    Type.Array(
      Type.Object({
        key: Type.String({ minLength: 1, maxLength: 128 }),
        displayName: Type.Optional(Short),
        script: Text,
        interval: Seconds,
        timeout: Type.Optional(Seconds),
        order: Type.Optional(Whole),
      }),
      { maxItems: 100 },
    ),
  ),
  apps: Type.Optional(Type.Array(DescribedApp, { maxItems: 100 })),
  displayApps: Type.Optional(Type.Record(Type.String(), Type.Boolean())),
  connectionTimeout: Type.Optional(Seconds),
  troubleshootingUrl: Type.Optional(Short),
  motdFile: Type.Optional(Short),
  order: Type.Optional(Whole),
  apiKeyScope: Type.Optional(Type.Enum(['all', 'no_user_data'])),
})

type DescribedAgent = Static<typeof DescribedAgent>

const Described = Type.Object({
  runtime: Type.Object({ kind: Type.Enum(['local']) }),
  agents: Type.Array(DescribedAgent, { minItems: 1, maxItems: 16 }),
  metadata: Type.Optional(
    Type.Array(Type.Object({ key: Short, value: Text, sensitive: Type.Optional(Type.Boolean()) }), {
      maxItems: 100,
    }),
  ),
  icon: Type.Optional(Short),
  dailyCost: Type.Optional(Type.Integer({ minimum: 0, maximum: MAX })),
  aiTask: Type.Optional(Type.Object({ app: Short })),
})

const check = checker(Described, 'workspace()')

const DISPLAY_APPS: readonly (readonly [string, DisplayApp, boolean])[] = [
  ['vscode', 'vscode', true],
  ['vscodeInsiders', 'vscode_insiders', false],
  ['webTerminal', 'web_terminal', true],
  ['portForwardingHelper', 'port_forwarding_helper', true],
  ['sshHelper', 'ssh_helper', true],
]

/** What a template has described. */
export interface DescribedWorkspace {
  readonly resource: Resource
  /** The app that carries out tasks; undefined where the template has none. */
  readonly aiTask: Pick<AiTask, 'appId'> | undefined
}

/** Reads the answer of a template to `workspace`: one resource with its agents. @throws EngineError naming the path. */
export function readWorkspace(said: unknown): DescribedWorkspace {
  const described = check(said)
  const names = described.agents.map((agent) => agent.name.toLowerCase())
  if (new Set(names).size < names.length)
    throw new EngineError('template.ts: workspace().agents: names must differ')
  const slugs = described.agents.flatMap((agent) => (agent.apps ?? []).map((app) => app.slug))
  if (new Set(slugs).size < slugs.length)
    throw new EngineError('template.ts: workspace().agents: slugs of apps must differ')
  const agents = described.agents.map(agentOf)
  const resource: Resource = {
    type: 'local_workspace',
    name: 'workspace',
    hide: false,
    icon: described.icon ?? '',
    instanceType: '',
    modulePath: '',
    dailyCost: described.dailyCost ?? 0,
    metadata: (described.metadata ?? []).map((item) => ({
      key: item.key,
      value: item.value,
      sensitive: item.sensitive ?? false,
    })),
    agents,
  }
  if (described.aiTask === undefined) return { resource, aiTask: undefined }
  const { app: slug } = described.aiTask
  const app = agents.flatMap(({ apps }) => apps).find((one) => one.slug === slug)
  if (app === undefined)
    throw new EngineError(`template.ts: workspace().aiTask.app: no agent has an app ${JSON.stringify(slug)}`)
  return { resource, aiTask: { appId: app.id } }
}

function agentOf(agent: DescribedAgent): Agent {
  const wrong = Object.keys(agent.env ?? {}).find((name) => !/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name))
  if (wrong !== undefined)
    throw new EngineError(
      `template.ts: agent ${agent.name}: ${JSON.stringify(wrong)} is no name of an environment variable`,
    )
  const keys = (agent.metadata ?? []).map(({ key }) => key)
  if (new Set(keys).size < keys.length)
    throw new EngineError(`template.ts: agent ${agent.name}: keys of metadata must differ`)
  return {
    id: '',
    name: agent.name,
    auth: { type: 'token', token: '' },
    operatingSystem: agent.os ?? hostSystem(),
    architecture: agent.arch ?? (process.arch === 'arm64' ? 'arm64' : 'amd64'),
    directory: agent.directory ?? '',
    env: Object.entries(agent.env ?? {}).map(([name, value]) => ({ name, value })),
    connectionTimeoutSeconds: agent.connectionTimeout ?? 120,
    troubleshootingUrl: agent.troubleshootingUrl ?? '',
    motdFile: agent.motdFile ?? '',
    order: agent.order ?? 0,
    apiKeyScope: agent.apiKeyScope ?? 'all',
    displayApps: DISPLAY_APPS.filter(([key, , shown]) => agent.displayApps?.[key] ?? shown).map(
      ([, app]) => app,
    ),
    apps: (agent.apps ?? []).map(appOf),
    scripts: scriptsOf(agent),
    metadata: (agent.metadata ?? []).map((item) => ({
      key: item.key,
      displayName: item.displayName ?? item.key,
      script: item.script,
      intervalSeconds: item.interval,
      timeoutSeconds: item.timeout ?? item.interval,
      order: item.order ?? 0,
    })),
  }
}

function scriptsOf(agent: DescribedAgent): Script[] {
  const scripts: Script[] = (agent.scripts ?? []).map((script) => {
    if (script.runOnStart !== true && script.runOnStop !== true && script.cron === undefined)
      throw new EngineError(
        `template.ts: script ${script.displayName} never runs: set runOnStart, runOnStop or cron`,
      )
    if (script.startBlocksLogin === true && script.runOnStart !== true)
      throw new EngineError(
        `template.ts: script ${script.displayName} can only block the login when it has runOnStart`,
      )
    if (script.cron !== undefined) requireSchedule(script.displayName, script.cron)
    return {
      displayName: script.displayName,
      icon: script.icon ?? '',
      script: script.script,
      logPath: script.logPath ?? '',
      cron: script.cron ?? '',
      startBlocksLogin: script.startBlocksLogin ?? false,
      runOnStart: script.runOnStart ?? false,
      runOnStop: script.runOnStop ?? false,
      timeoutSeconds: script.timeout ?? 0,
    }
  })
  const builtIn = { icon: '', cron: '', timeoutSeconds: 0 }
  if (agent.startupScript !== undefined)
    scripts.unshift({
      ...builtIn,
      displayName: 'Startup Script',
      script: agent.startupScript,
      logPath: 'coder-startup-script.log',
      startBlocksLogin: agent.startupScriptBehavior === 'blocking',
      runOnStart: true,
      runOnStop: false,
    })
  if (agent.shutdownScript !== undefined)
    scripts.push({
      ...builtIn,
      displayName: 'Shutdown Script',
      script: agent.shutdownScript,
      logPath: 'coder-shutdown-script.log',
      startBlocksLogin: false,
      runOnStart: false,
      runOnStop: true,
    })
  return scripts
}

/** The agent would only tell its log that it cannot read a schedule. */
function requireSchedule(script: string, cron: string): void {
  try {
    new Cron(cron, { paused: true, mode: '6-part' }).stop()
  } catch {
    throw new EngineError(
      `template.ts: script ${script} has the schedule ${JSON.stringify(cron)}: write six fields, seconds first, such as 0 30 3 * * *`,
    )
  }
}

function appOf(app: DescribedApp): App {
  if (app.url === undefined && app.command === undefined)
    throw new EngineError(`template.ts: app ${app.slug} needs a url or a command`)
  if (app.url !== undefined && !URL.canParse(app.url))
    throw new EngineError(`template.ts: app ${app.slug} has a url that cannot be read`)
  return {
    id: randomUUID(),
    slug: app.slug,
    displayName: app.displayName ?? app.slug,
    command: app.command ?? null,
    url: app.url ?? null,
    external: app.external ?? false,
    icon: app.icon ?? '',
    subdomain: app.subdomain ?? false,
    share: app.share ?? 'owner',
    healthcheck:
      app.healthcheck === undefined
        ? null
        : {
            url: app.healthcheck.url,
            intervalSeconds: app.healthcheck.interval,
            threshold: app.healthcheck.threshold,
          },
    group: app.group ?? '',
    order: app.order ?? 0,
    hidden: app.hidden ?? false,
    openIn: app.openIn ?? 'slim-window',
    tooltip: app.tooltip ?? '',
  }
}

function hostSystem(): Agent['operatingSystem'] {
  return process.platform === 'darwin' ? 'darwin' : process.platform === 'win32' ? 'windows' : 'linux'
}
