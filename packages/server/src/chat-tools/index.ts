export { type ChatToolParts, ChatTools } from './chat-tools.ts'
export type { ChatTool, OpenTools, ToolCall, ToolOutcome } from './tool.ts'
