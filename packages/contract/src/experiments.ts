import { type Static, Type } from 'typebox'

import { route } from './route.ts'

const tag = 'General'

/** Features that can be switched by name (OP-115). */
export const Experiment = Type.Enum([
  'example',
  'auto-fill-parameters',
  'notifications',
  'workspace-usage',
  'oauth2',
  'mcp-server-http',
  'mcp-tool-search',
  'workspace-build-updates',
  'nats_pubsub',
  'workspace-capable-licensing',
  'ai-gateway-seat-exclusion',
  'chat-advisor',
  'chat-virtual-desktop',
  'agent-lifecycle-hooks',
])
export type Experiment = Static<typeof Experiment>

/** What an experiment is called, and what it does, in a line. */
export const EXPERIMENTS: Readonly<
  Record<Experiment, { readonly displayName: string; readonly description: string }>
> = {
  example: { displayName: 'Example', description: 'Does nothing; it shows how experiments are switched.' },
  'auto-fill-parameters': {
    displayName: 'Auto-fill Template Parameters',
    description: 'New workspaces begin with the parameters that their owner chose last.',
  },
  notifications: { displayName: 'Notifications', description: 'Messages about what happens to workspaces.' },
  'workspace-usage': {
    displayName: 'Workspace Usage Tracking',
    description: 'Usage of workspaces is told by the programs that use them.',
  },
  oauth2: {
    displayName: 'OAuth2 Provider Functionality',
    description: 'Other software signs people in here and acts for them.',
  },
  'mcp-server-http': {
    displayName: 'MCP HTTP Server Functionality',
    description: 'AI tools use this deployment over the Model Context Protocol.',
  },
  'mcp-tool-search': {
    displayName: 'MCP Tool Search',
    description: 'Chats look for the tools of MCP servers instead of being told all of them.',
  },
  'workspace-build-updates': {
    displayName: 'Workspace Build Updates',
    description: 'One stream tells of the builds of all workspaces.',
  },
  nats_pubsub: { displayName: 'NATS Pubsub', description: 'Replicas tell each other of changes over NATS.' },
  'workspace-capable-licensing': {
    displayName: 'Workspace Capable Licensing',
    description: 'Licenses count the users who may have workspaces.',
  },
  'ai-gateway-seat-exclusion': {
    displayName: 'AI Gateway Seat Exclusion',
    description: 'Users of the AI gateway alone take no seat.',
  },
  'chat-advisor': { displayName: 'Chat Advisor', description: 'A second model advises the one of a chat.' },
  'chat-virtual-desktop': {
    displayName: 'Chat Virtual Desktop',
    description: 'Chats see and use the desktop of a workspace.',
  },
  'agent-lifecycle-hooks': {
    displayName: 'Agent Lifecycle Hooks',
    description: 'Programs of your own are told what chats do and may forbid it.',
  },
}

/** Experiments that are fit for use. */
export const AvailableExperiments = Type.Object({ safe: Type.Array(Experiment) })
export type AvailableExperiments = Static<typeof AvailableExperiments>

export const getExperiments = route('GET /api/v2/experiments', {
  id: 'get-enabled-experiments',
  tag,
  responses: { 200: Type.Array(Experiment) },
})

export const getAvailableExperiments = route('GET /api/v2/experiments/available', {
  id: 'get-safe-experiments',
  tag,
  responses: { 200: AvailableExperiments },
})

/** Whether this is a development build, by its version alone; it passes the gates of experiments (UI-302, OA-1). */
export function isDevelopmentBuild(version: string): boolean {
  return version.includes('-devel') || version === 'v0.0.0'
}
