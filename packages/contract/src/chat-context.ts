import { type Static, Type } from 'typebox'

import { ChatContextResourceKind, ChatContextResourceStatus, ChatContextTool } from './chats.ts'
import { route } from './route.ts'

const tag = 'Agents'
const security = 'agent'

/** Something of a workspace as its agent found it (CH-1301). */
export const AgentContextResource = Type.Object({
  kind: ChatContextResourceKind,
  /** Where it is: its absolute path. */
  source: Type.String({ minLength: 1, maxLength: 1024 }),
  status: ChatContextResourceStatus,
  size_bytes: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  error: Type.Optional(Type.String({ maxLength: 4096 })),
  body: Type.Optional(Type.String({ maxLength: 262_144 })),
  skill_name: Type.Optional(Type.String({ maxLength: 64 })),
  skill_description: Type.Optional(Type.String({ maxLength: 1024 })),
  /** Folder of a skill. */
  skill_dir: Type.Optional(Type.String({ maxLength: 4096 })),
  tools: Type.Optional(Type.Array(ChatContextTool, { maxItems: 512 })),
})
export type AgentContextResource = Static<typeof AgentContextResource>

/** All that an agent found, in place of what it pushed before (AC-86). */
export const PushAgentContextRequest = Type.Object({
  /** The first one of this process, whose versions begin anew. */
  initial: Type.Boolean(),
  version: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  /** Hexadecimal; the same for the same resources. */
  aggregate_hash: Type.String({ pattern: '^([0-9a-f]{2}){1,64}$' }),
  error: Type.Optional(Type.String({ maxLength: 4096 })),
  operating_system: Type.String({ maxLength: 64 }),
  directory: Type.String({ maxLength: 4096 }),
  resources: Type.Array(AgentContextResource, { maxItems: 1000 }),
})
export type PushAgentContextRequest = Static<typeof PushAgentContextRequest>

/** Not accepted when a newer version is there already. */
export const PushAgentContextResponse = Type.Object({ accepted: Type.Boolean() })
export type PushAgentContextResponse = Static<typeof PushAgentContextResponse>

export const pushAgentContext = route('POST /api/v2/workspaceagents/me/chat-context', {
  id: 'push-workspace-agent-chat-context',
  tag,
  security,
  body: PushAgentContextRequest,
  responses: { 200: PushAgentContextResponse },
})

export const RefreshAgentChatsResponse = Type.Object({ refreshed: Type.Integer() })
export type RefreshAgentChatsResponse = Static<typeof RefreshAgentChatsResponse>

/** Pins the present context in all chats of the workspace's owner that have an older one (CH-1302). */
export const refreshAgentChats = route('POST /api/v2/workspaceagents/me/experimental/chat-context/refresh', {
  id: 'refresh-chat-context-of-workspace-agent',
  tag,
  security,
  responses: { 200: RefreshAgentChatsResponse },
})
