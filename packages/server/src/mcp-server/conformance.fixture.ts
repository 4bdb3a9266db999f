import { setTimeout as delay } from 'node:timers/promises'

import {
  completable,
  fromJsonSchema,
  inputRequired,
  inputResponse,
  type McpServer,
  ResourceTemplate,
  type ServerContext,
} from '@modelcontextprotocol/server'

import { elicit, inputRequiredTools, states, text } from './conformance-input.fixture.ts'
import type { McpExtension } from './tool-server.ts'

const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=='
const SOUND = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA='

const texts = (...names: string[]) =>
  fromJsonSchema<Record<string, string>>({
    type: 'object',
    properties: Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
    required: names,
  })

/** The tools, resources and prompts that the scenarios of the conformance suite ask a server for. */
export const conformanceFeatures: McpExtension = {
  requestState: { verify: states.verify },
  extend: (server, notify) => {
    server.server.registerCapabilities({ logging: {}, completions: {} })
    plainTools(server)
    askingTools(server)
    inputRequiredTools(server, notify)
    resources(server)
    prompts(server)
  },
}

function plainTools(server: McpServer): void {
  server.registerTool('test_simple_text', { description: 'Gives text.' }, () =>
    text('This is a simple text response for testing.'),
  )
  server.registerTool('test_image_content', { description: 'Gives a picture.' }, () => ({
    content: [{ type: 'image', data: PIXEL, mimeType: 'image/png' }],
  }))
  server.registerTool('test_audio_content', { description: 'Gives a sound.' }, () => ({
    content: [{ type: 'audio', data: SOUND, mimeType: 'audio/wav' }],
  }))
  server.registerTool('test_embedded_resource', { description: 'Gives a resource.' }, () => ({
    content: [
      {
        type: 'resource',
        resource: {
          uri: 'test://embedded-resource',
          mimeType: 'text/plain',
          text: 'This is an embedded resource content.',
        },
      },
    ],
  }))
  server.registerTool('test_multiple_content_types', { description: 'Gives several things.' }, () => ({
    content: [
      { type: 'text', text: 'Multiple content types test:' },
      { type: 'image', data: PIXEL, mimeType: 'image/png' },
      {
        type: 'resource',
        resource: {
          uri: 'test://mixed-content-resource',
          mimeType: 'application/json',
          text: '{"test":"data","value":123}',
        },
      },
    ],
  }))
  server.registerTool('test_tool_with_logging', { description: 'Logs.' }, async ({ mcpReq }) => {
    await mcpReq.log('info', 'Tool execution started')
    await delay(50)
    await mcpReq.log('info', 'Tool processing data')
    await delay(50)
    await mcpReq.log('info', 'Tool execution completed')
    return text('done')
  })
  server.registerTool('test_logging_tool', { description: 'Logs if it may.' }, async ({ mcpReq }) => {
    await mcpReq.log('info', 'working')
    return text('done')
  })
  server.registerTool('test_error_handling', { description: 'Fails.' }, () => {
    throw new Error('This tool intentionally returns an error for testing')
  })
  server.registerTool('test_tool_with_progress', { description: 'Tells how far it is.' }, async (context) => {
    const progressToken = context.mcpReq._meta?.progressToken
    for (const progress of [0, 50, 100]) {
      if (progressToken !== undefined)
        await context.mcpReq.notify({
          method: 'notifications/progress',
          params: { progressToken, progress, total: 100 },
        })
      await delay(50)
    }
    return text(String(progressToken ?? 'done'))
  })
  server.registerTool(
    'test_reconnection',
    { description: 'Ends its stream and goes on.' },
    async (context) => {
      context.http?.closeSSE?.()
      await delay(100)
      return text('Reconnection test completed successfully')
    },
  )
  server.registerTool(
    'json_schema_2020_12_tool',
    {
      description: 'Tool with JSON Schema 2020-12 features',
      inputSchema: fromJsonSchema({
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        type: 'object',
        $defs: {
          address: {
            $anchor: 'addressDef',
            type: 'object',
            properties: { street: { type: 'string' }, city: { type: 'string' } },
          },
        },
        properties: {
          name: { type: 'string' },
          address: { $ref: '#/$defs/address' },
          contactMethod: { type: 'string', enum: ['phone', 'email'] },
          phone: { type: 'string' },
          email: { type: 'string' },
        },
        allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
        if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
        // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
        then: { required: ['phone'] },
        else: { required: ['email'] },
        additionalProperties: false,
      }),
    },
    () => text('done'),
  )
  server.registerTool(
    'test_custom_header',
    {
      description: 'Its argument must be in a header too.',
      inputSchema: fromJsonSchema({
        type: 'object',
        properties: { region: { ...{ 'x-mcp-header': 'Region' }, type: 'string' } },
        required: ['region'],
      }),
    },
    () => text('done'),
  )
}

/** Tools of the revisions in which a server asks its client while a call runs. */
function askingTools(server: McpServer): void {
  server.registerTool(
    'test_sampling',
    { description: 'Asks for a completion.', inputSchema: texts('prompt') },
    async ({ prompt = '' }, { mcpReq }) => {
      const { content } = await mcpReq.requestSampling({
        messages: [{ role: 'user', content: { type: 'text', text: prompt } }],
        maxTokens: 100,
      })
      return text(`LLM response: ${JSON.stringify(content)}`)
    },
  )
  const ask = async (
    context: ServerContext,
    message: string,
    properties: Record<string, object>,
    required: string[],
  ): Promise<{ readonly action: string; readonly content: string }> => {
    const { action, content } = await context.mcpReq.elicitInput({
      message,
      requestedSchema: { type: 'object', properties: properties as never, required },
    })
    return { action, content: JSON.stringify(content ?? {}) }
  }
  server.registerTool(
    'test_elicitation',
    { description: 'Asks for input.', inputSchema: texts('message') },
    async ({ message = '' }, context) => {
      const field = (description: string) => ({ type: 'string', description })
      const { action, content } = await ask(
        context,
        message,
        { username: field("User's response"), email: field("User's email address") },
        ['username', 'email'],
      )
      return text(`User response: action: ${action}, content: ${content}`)
    },
  )
  server.registerTool('test_elicitation_sep1034_defaults', { description: 'Defaults.' }, async (context) => {
    const { action, content } = await ask(
      context,
      'Please review the defaults',
      {
        name: { type: 'string', default: 'John Doe' },
        age: { type: 'integer', default: 30 },
        score: { type: 'number', default: 95.5 },
        status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
        verified: { type: 'boolean', default: true },
      },
      [],
    )
    return text(`Elicitation completed: action=${action}, content=${content}`)
  })
  server.registerTool('test_elicitation_sep1330_enums', { description: 'Choices.' }, async (context) => {
    const options = ['option1', 'option2', 'option3']
    const titled = (titles: string[]) => titles.map((title, i) => ({ const: `value${i + 1}`, title }))
    const { action, content } = await ask(
      context,
      'Please choose',
      {
        untitledSingle: { type: 'string', enum: options },
        titledSingle: { type: 'string', oneOf: titled(['First Option', 'Second Option', 'Third Option']) },
        legacyEnum: {
          type: 'string',
          enum: ['opt1', 'opt2', 'opt3'],
          enumNames: ['Option One', 'Option Two', 'Option Three'],
        },
        untitledMulti: { type: 'array', items: { type: 'string', enum: options } },
        titledMulti: {
          type: 'array',
          items: { anyOf: titled(['First Choice', 'Second Choice', 'Third Choice']) },
        },
      },
      [],
    )
    return text(`Elicitation completed: action=${action}, content=${content}`)
  })
}

function resources(server: McpServer): void {
  server.registerResource(
    'static-text',
    'test://static-text',
    { description: 'Text that never changes.', mimeType: 'text/plain' },
    ({ href }) => ({
      contents: [
        { uri: href, mimeType: 'text/plain', text: 'This is the content of the static text resource.' },
      ],
    }),
  )
  server.registerResource(
    'static-binary',
    'test://static-binary',
    { description: 'A picture that never changes.', mimeType: 'image/png' },
    ({ href }) => ({ contents: [{ uri: href, mimeType: 'image/png', blob: PIXEL }] }),
  )
  server.registerResource(
    'template',
    new ResourceTemplate('test://template/{id}/data', { list: undefined }),
    { description: 'Data by its id.', mimeType: 'application/json' },
    ({ href }, { id }) => ({
      contents: [
        {
          uri: href,
          mimeType: 'application/json',
          text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }),
        },
      ],
    }),
  )
}

function prompts(server: McpServer): void {
  const said = (words: string) => ({
    role: 'user' as const,
    content: { type: 'text' as const, text: words },
  })
  server.registerPrompt('test_simple_prompt', { description: 'Simple.' }, () => ({
    messages: [said('This is a simple prompt for testing.')],
  }))
  const two = texts('arg1', 'arg2')
  server.registerPrompt(
    'test_prompt_with_arguments',
    { description: 'With arguments.', argsSchema: completable(two, () => []) },
    ({ arg1, arg2 }) => ({ messages: [said(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)] }),
  )
  server.registerPrompt(
    'test_prompt_with_embedded_resource',
    { description: 'With a resource.', argsSchema: texts('resourceUri') },
    ({ resourceUri = '' }) => ({
      messages: [
        {
          role: 'user',
          content: {
            type: 'resource',
            resource: {
              uri: resourceUri,
              mimeType: 'text/plain',
              text: 'Embedded resource content for testing.',
            },
          },
        },
        said('Please process the embedded resource above.'),
      ],
    }),
  )
  server.registerPrompt('test_prompt_with_image', { description: 'With a picture.' }, () => ({
    messages: [
      { role: 'user', content: { type: 'image', data: PIXEL, mimeType: 'image/png' } },
      said('Please analyze the image above.'),
    ],
  }))
  server.registerPrompt('test_input_required_result_prompt', { description: 'Asks first.' }, ({ mcpReq }) => {
    const answer = inputResponse(mcpReq.inputResponses, 'user_context')
    if (answer.kind === 'elicit') return { messages: [said(String(answer.content?.context ?? ''))] }
    return inputRequired({
      inputRequests: {
        user_context: elicit('What context should the prompt use?', { context: { type: 'string' } }),
      },
    })
  })
  server.server.setRequestHandler('completion/complete', () => ({
    completion: { values: [], total: 0, hasMore: false },
  }))
}
