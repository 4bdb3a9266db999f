import type { StandardSchema } from './standard-schema.ts'

/** An argument of a prompt. */
export interface PromptArgument {
  readonly name: string
  readonly description: string
  readonly required: boolean
}

/** A text that a user can start a conversation with. */
export interface Prompt {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly arguments: readonly PromptArgument[]
  /** Tools without which it makes no sense: it is only offered with all of them (OA-97). */
  readonly requiredTools: readonly string[]
  /** @throws Error `missing required prompt argument: <name>` (OA-94). */
  readonly render: (given: Readonly<Record<string, string>>) => string
}

/** Makes a prompt that refuses to be rendered without its required arguments. */
function definePrompt(prompt: Prompt): Prompt {
  return {
    ...prompt,
    render: (given) => {
      const missing = prompt.arguments.find(({ name, required }) => required && (given[name] ?? '') === '')
      if (missing !== undefined) throw new Error(`missing required prompt argument: ${missing.name}`)
      return prompt.render(given)
    },
  }
}

/** Arguments as clients are told of them; the prompt itself looks whether they are there. */
export function argumentsSchemaOf(prompt: Prompt): StandardSchema {
  const json = {
    type: 'object',
    properties: Object.fromEntries(
      prompt.arguments.map(({ name, description }) => [name, { type: 'string', description }]),
    ),
    required: prompt.arguments.filter(({ required }) => required).map(({ name }) => name),
  }
  return {
    '~standard': {
      version: 1,
      vendor: 'typebox',
      validate: (value) => ({ value }),
      jsonSchema: { input: () => json, output: () => json },
    },
  }
}

/** What a prompt says with what a client gave. @throws Error as `render` does. */
export function renderPrompt(prompt: Prompt, given: unknown): string {
  const texts = typeof given === 'object' && given !== null ? Object.entries(given) : []
  return prompt.render(Object.fromEntries(texts.map(([name, value]) => [name, String(value)])))
}

/** Every prompt, by name. */
export const allPrompts: readonly Prompt[] = [
  definePrompt({
    name: 'coder_agents_delegate',
    title: 'Delegate a task to an agent',
    description: 'Starts a chat whose agent works on a task, watches it and reports what came of it.',
    arguments: [
      { name: 'task', description: 'What the agent is to do.', required: true },
      {
        name: 'model_config_id',
        description: 'Model of the agent, as coder_list_chat_model_configs lists them.',
        required: false,
      },
    ],
    requiredTools: [
      'coder_create_chat',
      'coder_get_chat',
      'coder_get_chat_messages',
      'coder_send_chat_message',
    ],
    render: ({ task = '', model_config_id: model = '' }) =>
      `Have an agent do this task, and report to me what came of it:

${task}

1. Call coder_create_chat${model === '' ? '' : ` with model_config_id ${model}`}. Its prompt is all that the agent knows: say what is to be done, where, and how to tell that it is done.
2. Tell me the url of the chat.
3. If coder_await_chat is there, call it until timed_out is false; else call coder_get_chat from time to time until the status is neither running nor interrupting.
4. Call coder_get_chat_messages and read the answer. If the agent asks something that you know, or has left out a part of the task, call coder_send_chat_message and wait again. If it asks something that only I know, ask me.
5. Report what was done, what was not, and what I should look at. If the status is error, say what last_error says.`,
  }),
  definePrompt({
    name: 'coder_agents_check',
    title: 'Check on an agent',
    description: 'Looks at a chat and says how far its agent is.',
    arguments: [{ name: 'chat_id', description: 'Id of the chat.', required: true }],
    requiredTools: ['coder_get_chat', 'coder_get_chat_messages'],
    render: ({ chat_id: chat = '' }) =>
      `Look how far the agent of the chat ${chat} is. Change nothing before I agree.

1. Call coder_get_chat: its status, last_error, workspace and files.
2. Call coder_get_chat_messages and read the latest messages and what waits in the queue.
3. Say in a few sentences what was asked, what the agent has done, what it is doing now, and whether it needs something from me.`,
  }),
  definePrompt({
    name: 'coder_new_workspace',
    title: 'Create a workspace for a task',
    description: 'Picks a template, creates a workspace from it and prepares it for a task.',
    arguments: [
      { name: 'task', description: 'What is to be done in the workspace.', required: true },
      { name: 'name', description: 'Name of the workspace.', required: false },
    ],
    requiredTools: [
      'coder_list_templates',
      'coder_get_template',
      'coder_create_workspace',
      'coder_get_workspace_build_logs',
    ],
    render: ({ task = '', name = '' }) =>
      `Prepare a workspace for this task:

${task}

1. Call coder_list_templates and pick the template that fits best; say which and why.
2. Call coder_get_template for its parameters and presets. Ask me for required values that you cannot know.
3. Call coder_create_workspace${name === '' ? ' with a short name that tells what it is for' : ` with the name ${name}`}.
4. Call coder_get_workspace_build_logs until the build has ended. If it failed, tell me what the log says.
5. If coder_workspace_bash is there, use it for what the task needs to begin, such as cloning a repository.`,
  }),
  definePrompt({
    name: 'coder_troubleshoot_workspace',
    title: 'Find out what is wrong with a workspace',
    description: 'Looks at a workspace, its builds and its agent, and says what is wrong.',
    arguments: [{ name: 'workspace', description: 'Workspace as `name` or `owner/name`.', required: true }],
    requiredTools: [
      'coder_get_workspace',
      'coder_get_workspace_build_logs',
      'coder_get_workspace_agent_logs',
    ],
    render: ({ workspace = '' }) =>
      `Find out what is wrong with the workspace ${workspace}. Change nothing before I agree.

1. Call coder_get_workspace and look at the status of the latest build and at the health of each agent.
2. If the build failed, call coder_get_workspace_build_logs with its id.
3. If an agent is unhealthy, call coder_get_workspace_agent_logs with its id.
4. Say what is wrong, quote the line that shows it, and propose what to do.`,
  }),
]
