import { randomBytes } from 'node:crypto'

import {
  type CallToolResult,
  createRequestStateCodec,
  inputRequired,
  inputResponse,
  type McpServer,
  type ServerContext,
  type ServerNotifier,
} from '@modelcontextprotocol/server'

/** State that clients send back. */
export const states = createRequestStateCodec<string>({ key: randomBytes(32) })

/** A result that says this. */
export function text(said: string): CallToolResult {
  return { content: [{ type: 'text', text: said }] }
}

/** What asks a person for these fields. */
export function elicit(
  message: string,
  properties: Record<string, { type: 'string' } | { type: 'boolean' }>,
) {
  return inputRequired.elicit({
    message,
    requestedSchema: { type: 'object', properties, required: Object.keys(properties) },
  })
}

function stateOf({ mcpReq }: ServerContext): string | undefined {
  return mcpReq.requestState<string>()
}

const NAME = { user_name: elicit('What is your name?', { name: { type: 'string' } }) }

/** Tools of the revision in which a server says in its answer what it wants to know. */
export function inputRequiredTools(server: McpServer, notify: ServerNotifier): void {
  const nameIn = ({ mcpReq }: ServerContext): string | undefined => {
    const answer = inputResponse(mcpReq.inputResponses, 'user_name')
    return answer.kind === 'elicit' && typeof answer.content?.name === 'string'
      ? answer.content.name
      : undefined
  }
  const hello = (context: ServerContext) => {
    const name = nameIn(context)
    return name === undefined ? inputRequired({ inputRequests: NAME }) : text(`Hello, ${name}!`)
  }
  server.registerTool('test_input_required_result_elicitation', { description: 'Asks for a name.' }, hello)
  server.registerTool('test_streaming_elicitation', { description: 'Asks for a name.' }, hello)
  server.registerTool(
    'test_input_required_result_sampling',
    { description: 'Asks a model.' },
    ({ mcpReq }) => {
      const answer = inputResponse(mcpReq.inputResponses, 'capital_question')
      if (answer.kind === 'sampling') return text(`The model said: ${JSON.stringify(answer.result.content)}`)
      return inputRequired({
        inputRequests: {
          capital_question: inputRequired.createMessage({
            messages: [{ role: 'user', content: { type: 'text', text: 'What is the capital of France?' } }],
            maxTokens: 100,
          }),
        },
      })
    },
  )
  server.registerTool(
    'test_input_required_result_list_roots',
    { description: 'Asks for roots.' },
    ({ mcpReq }) => {
      const answer = inputResponse(mcpReq.inputResponses, 'client_roots')
      if (answer.kind === 'roots') return text(`Roots: ${answer.roots.map(({ uri }) => uri).join(', ')}`)
      return inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } })
    },
  )
  server.registerTool(
    'test_input_required_result_request_state',
    { description: 'Keeps state.' },
    async (context) => {
      if (stateOf(context) !== undefined) return text('state-ok')
      return inputRequired({
        inputRequests: { confirm: elicit('Please confirm', { ok: { type: 'boolean' } }) },
        requestState: await states.mint('asked'),
      })
    },
  )
  server.registerTool(
    'test_input_required_result_tampered_state',
    { description: 'Signs.' },
    async (context) => {
      if (stateOf(context) !== undefined) return text('state-ok')
      return inputRequired({
        inputRequests: { confirm: elicit('Please confirm', { ok: { type: 'boolean' } }) },
        requestState: await states.mint('asked'),
      })
    },
  )
  server.registerTool(
    'test_input_required_result_multiple_inputs',
    { description: 'Asks for much.' },
    async (context) => {
      if (stateOf(context) !== undefined) return text(`Hello, ${nameIn(context) ?? 'stranger'}!`)
      return inputRequired({
        inputRequests: {
          ...NAME,
          greeting: inputRequired.createMessage({
            messages: [{ role: 'user', content: { type: 'text', text: 'Generate a greeting' } }],
            maxTokens: 50,
          }),
          client_roots: inputRequired.listRoots(),
        },
        requestState: await states.mint('asked'),
      })
    },
  )
  server.registerTool(
    'test_input_required_result_multi_round',
    { description: 'Asks twice.' },
    async (context) => {
      switch (stateOf(context)) {
        case undefined:
          return inputRequired({
            inputRequests: { step1: elicit('Step 1: What is your name?', { name: { type: 'string' } }) },
            requestState: await states.mint('one'),
          })
        case 'one':
          return inputRequired({
            inputRequests: {
              step2: elicit('Step 2: What is your favorite color?', { color: { type: 'string' } }),
            },
            requestState: await states.mint('two'),
          })
        default:
          return text('done')
      }
    },
  )
  server.registerTool(
    'test_input_required_result_capabilities',
    { description: 'Asks if it may.' },
    (context) => {
      const can = server.server.getClientCapabilities() ?? {}
      const inputRequests = {
        ...('elicitation' in can ? NAME : {}),
        ...('sampling' in can
          ? {
              greeting: inputRequired.createMessage({
                messages: [{ role: 'user', content: { type: 'text', text: 'Generate a greeting' } }],
                maxTokens: 50,
              }),
            }
          : {}),
      }
      if (context.mcpReq.inputResponses !== undefined || Object.keys(inputRequests).length === 0)
        return text('done')
      return inputRequired({ inputRequests })
    },
  )
  server.registerTool('test_missing_capability', { description: 'Needs sampling.' }, ({ mcpReq }) => {
    if (mcpReq.inputResponses !== undefined) return text('done')
    // The library answers for a client that has not said that it can.
    return inputRequired({
      inputRequests: {
        greeting: inputRequired.createMessage({
          messages: [{ role: 'user', content: { type: 'text', text: 'Generate a greeting' } }],
          maxTokens: 50,
        }),
      },
    })
  })
  server.registerTool('test_trigger_tool_change', { description: 'Changes the tools.' }, () => {
    notify.toolsChanged()
    return text('done')
  })
  server.registerTool('test_trigger_prompt_change', { description: 'Changes the prompts.' }, () => {
    notify.promptsChanged()
    return text('done')
  })
}
