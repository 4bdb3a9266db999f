export { type ChatToolParts, ChatTools } from './chat-tools.ts'
export { planFileOf } from './plan.ts'
export { isCheapSchema } from './schema-cost.ts'
export type { ChatTool, OpenTools, ToolCall, ToolOutcome } from './tool.ts'
