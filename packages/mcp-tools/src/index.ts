export {
  type AgentAnswer,
  type AgentConnection,
  AgentFault,
  type AgentRequest,
  agentApiAccess,
  askAgent,
} from './agent-api.ts'
export type {
  AgentAccess,
  Api,
  ApiInput,
  EditedFile,
  FileEdit,
  ShellCommand,
  ShellOutcome,
} from './api.ts'
export {
  allPrompts,
  argumentsSchemaOf,
  type Prompt,
  type PromptArgument,
  renderPrompt,
} from './prompts.ts'
export { allTools, isToolset, TOOLSETS, type Toolset, toolsOf } from './registry.ts'
export {
  type ListedResource,
  listResources,
  parseResourceUri,
  type ResourceKind,
  readResource,
  resourceKinds,
  resourceUri,
} from './resources.ts'
export type { StandardSchema } from './standard-schema.ts'
export {
  type RelayedCall,
  type Tool,
  type ToolAnnotations,
  type ToolContext,
  ToolFault,
} from './tool.ts'
export { reportTaskTool, type TaskReport } from './tools/report.ts'
