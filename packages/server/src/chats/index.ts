export { autoArchiveJob } from './auto-archive.ts'
export { firstTitle } from './chat-title.ts'
export { type ChatParts, systemMessages } from './create-chat.ts'
export { countChats } from './metrics.ts'
export type {
  ContextFilePart,
  FilePart,
  Json,
  Part,
  ReasoningPart,
  SkillPart,
  TextPart,
  ToolCallPart,
  ToolResultPart,
} from './parts.ts'
export { jsonbOf, readParts, textOf, unansweredCalls, wirePart, wireParts } from './parts.ts'
export { pendingActions } from './pending-actions.ts'
export {
  type ChatDetails,
  presentChat,
  presentMessage,
  presentQueued,
  storedError,
  storedRetry,
} from './present.ts'
export { presentFamily } from './present-family.ts'
export { chatRoutes } from './routes.ts'
export { SearchIndex } from './search-index.ts'
export { changeChat } from './state/change-chat.ts'
export { type Fence, FencedOff } from './state/fence.ts'
export { LockedChat } from './state/locked-chat.ts'
export { QUEUE_LIMIT, toolMessage, type UserMessage } from './state/locked-row.ts'
export { listVisibleMessages } from './store/conversation.ts'
export { insertChat, type NewChat } from './store/create.ts'
export { type ChatRow, ownedChat, type QueuedRow } from './store/locked.ts'
export { MESSAGE_COLUMNS, type MessageRow, type NewMessage } from './store/messages.ts'
export { getReadableChat, type ReadableChat, readableObject } from './store/readable.ts'
export { archivedChats } from './store/retention.ts'
export { type ChatView, getChat, listTreeIds } from './store/views.ts'
