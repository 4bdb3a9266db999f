import { cidr, hookSecret } from '../checks.ts'
import { groups } from '../groups.ts'
import { option } from '../option.ts'
import { bool, duration, int, list, string, url } from '../value-type.ts'

const { chat } = groups

/** Chats and tasks. */
export const chatOptions = {
  chatAcquireBatchSize: option(int(1), {
    name: 'Chat: Acquire Batch Size',
    flag: 'chat-acquire-batch-size',
    yaml: 'acquireBatchSize',
    default: '10',
    hidden: true,
    group: chat,
    wire: 'ai.chat.acquire_batch_size',
    help: 'Chats that a worker takes up at once.',
  }),
  chatMaxConcurrentRoots: option(int(0), {
    name: 'Chat: Max Concurrent Roots',
    flag: 'chat-max-concurrent-roots',
    yaml: 'maxConcurrentRoots',
    default: '0',
    group: chat,
    help: 'Chats that work at once in the deployment, subagents not counted; 0 is any number.',
  }),
  chatMaxConcurrentSubagents: option(int(0), {
    name: 'Chat: Max Concurrent Subagents',
    flag: 'chat-max-concurrent-subagents',
    yaml: 'maxConcurrentSubagents',
    default: '0',
    group: chat,
    help: 'Subagents that work at once in the deployment; 0 is any number.',
  }),
  chatDebugLoggingEnabled: option(bool, {
    name: 'Chat: Debug Logging Enabled',
    flag: 'chat-debug-logging-enabled',
    yaml: 'debugLoggingEnabled',
    default: 'false',
    group: chat,
    wire: 'ai.chat.debug_logging_enabled',
    help: 'Record what chats send to models, for finding faults.',
  }),
  chatAiGatewayRoutingEnabled: option(bool, {
    name: 'Chat: AI Gateway Routing Enabled',
    flag: 'chat-ai-gateway-routing-enabled',
    yaml: 'aiGatewayRoutingEnabled',
    default: 'true',
    group: chat,
    help: 'Chats reach models through the AI gateway.',
  }),
  mcpServerAllowedPrivateCidrs: option(list(cidr), {
    name: 'MCP Servers: Allowed Private CIDRs',
    flag: 'mcp-server-allowed-private-cidrs',
    yaml: 'mcpServerAllowedPrivateCIDRs',
    group: chat,
    help: 'Private address ranges in which MCP servers and their authorization servers may be; without it none may.',
  }),
  chatHookUrl: option(url('http', 'https'), {
    name: 'Chat: Hook URL',
    flag: 'chat-hook-url',
    yaml: 'hookURL',
    group: chat,
    wire: 'ai.chat.hook_url',
    help: 'Service that is asked about prompts and tool calls of chats.',
  }),
  chatHookSecret: option(string(hookSecret), {
    name: 'Chat: Hook Secret',
    flag: 'chat-hook-secret',
    secret: true,
    group: chat,
    wire: 'ai.chat.hook_secret',
    help: 'Secret that signs those requests.',
  }),
  chatHookTimeout: option(duration, {
    name: 'Chat: Hook Timeout',
    flag: 'chat-hook-timeout',
    yaml: 'hookTimeout',
    default: '1.5s',
    group: chat,
    wire: 'ai.chat.hook_timeout',
    help: 'How long that service may take.',
  }),
  chatHookEnabled: option(bool, {
    name: 'Chat: Hook Enabled',
    flag: 'chat-hook-enabled',
    yaml: 'hookEnabled',
    default: 'true',
    group: chat,
    wire: 'ai.chat.hook_enabled',
    help: 'Switches the hook off without taking its settings away.',
  }),
  chatHookAllowInsecure: option(bool, {
    name: 'Chat: Hook Allow Insecure',
    flag: 'chat-hook-allow-insecure',
    yaml: 'hookAllowInsecure',
    default: 'false',
    group: chat,
    wire: 'ai.chat.hook_allow_insecure',
    help: 'The hook may be reached without TLS.',
  }),
  enableAiTasks: option(bool, {
    name: 'Enable AI Tasks',
    flag: 'enable-ai-tasks',
    yaml: 'enableAITasks',
    default: 'true',
    hidden: true,
    wire: 'enable_ai_tasks',
    help: 'Offer tasks: prompts that programs carry out in workspaces of their own.',
  }),
}
