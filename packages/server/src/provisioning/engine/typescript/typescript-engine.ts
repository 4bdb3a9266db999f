import { randomUUID } from 'node:crypto'

import { Type } from 'typebox'
import { Compile } from 'typebox/compile'

import { isNumber, valueFault } from '../../parameters/validate-value.ts'
import type { NamedValue, ResolvedParameter, Resource } from '../description.ts'
import {
  type Applied,
  type Engine,
  EngineError,
  type EngineSession,
  type LogLevel,
  type OpenOptions,
  type ParsedTemplate,
  type Plan,
  type PlanRequest,
  type Preview,
  type PreviewInputs,
  type Timing,
} from '../engine.ts'
import type { LocalRuntime, LocalState } from '../local/local-runtime.ts'
import { checkTypes } from './check-types.ts'
import { type Declarations, readDeclarations } from './declarations.ts'
import { type DescribedWorkspace, readWorkspace } from './described-workspace.ts'
import { readArchive, type TemplateSource } from './read-archive.ts'
import type { TemplateSandbox } from './sandbox.ts'

const State = Type.Object({
  agents: Type.Array(Type.Object({ name: Type.String(), pid: Type.Integer(), startTime: Type.String() })),
})
const stateCheck = Compile(State)

/** Templates written in TypeScript, carried out by the local runtime. */
export class TypeScriptEngine implements Engine {
  readonly #sandbox: TemplateSandbox
  readonly #local: LocalRuntime

  constructor(options: { readonly sandbox: TemplateSandbox; readonly local: LocalRuntime }) {
    this.#sandbox = options.sandbox
    this.#local = options.local
  }

  async open(options: OpenOptions): Promise<EngineSession> {
    const source = await readArchive(options.archive)
    return new Session(options, source, this.#sandbox, this.#local)
  }

  async isGone(workspaceId: string, state: Uint8Array): Promise<boolean> {
    return this.#local.isGone(workspaceId, readState(state))
  }
}

class Session implements EngineSession {
  readonly #options: OpenOptions
  readonly #source: TemplateSource
  readonly #sandbox: TemplateSandbox
  readonly #local: LocalRuntime
  #declared: Declarations | undefined
  #read: Timing[] = []
  #planned: { readonly plan: Plan; readonly request: PlanRequest } | undefined

  constructor(options: OpenOptions, source: TemplateSource, sandbox: TemplateSandbox, local: LocalRuntime) {
    this.#options = options
    this.#source = source
    this.#sandbox = sandbox
    this.#local = local
  }

  #say(stage: string, level: LogLevel, output: string): void {
    this.#options.log({ stage, level, output, createdAt: new Date() })
  }

  /** What the template declares; asked for once. */
  async #declarations(): Promise<Declarations> {
    if (this.#declared !== undefined) return this.#declared
    const start = new Date()
    this.#declared = readDeclarations(
      await this.#sandbox.evaluate(this.#source.files, { name: 'declarations' }),
    )
    const end = new Date()
    this.#read = [
      { stage: 'init', source: 'typescript', action: 'read', resource: 'template.ts', start, end },
    ]
    return this.#declared
  }

  async parse(): Promise<ParsedTemplate> {
    const { workDirectory, signal } = this.#options
    const stage = 'Parsing template parameters'
    this.#say(stage, 'info', `Read ${count(this.#source.files.size, 'file')}`)
    if (!(await checkTypes(this.#source.files, workDirectory, signal)))
      this.#say(stage, 'warn', 'The types were not checked: this installation has no TypeScript compiler')
    const { workspaceTags, tagFaults } = await this.preview({
      parameters: [],
      previousParameters: [],
      variables: [],
    })
    const [fault] = tagFaults
    if (fault !== undefined) throw new EngineError(`template.ts: tags().${fault.name} ${fault.detail}`)
    return {
      variables: (await this.#declarations()).variables,
      workspaceTags,
      readme: this.#source.readme,
    }
  }

  async preview(inputs: PreviewInputs): Promise<Preview> {
    const declared = await this.#declarations()
    requireVariables(declared, inputs)
    const parameters = resolve(declared, inputs)
    const said = await this.#sandbox.evaluate(this.#source.files, {
      name: 'tags',
      inputs: { parameters: given(parameters), variables: record(inputs.variables) },
    })
    return { parameters, presets: declared.presets, ...readTags(said) }
  }

  async plan(request: PlanRequest): Promise<Plan> {
    this.#options.signal.throwIfAborted()
    const start = new Date()
    const described = await this.#look(request)
    const [resource] = described.resources
    const plan: Plan = {
      ...described,
      transition: request.transition,
      hasExternalAgent: false,
      dailyCost: resource?.dailyCost ?? 0,
      timings: [
        ...this.#read,
        {
          stage: 'plan',
          source: 'typescript',
          action: request.transition,
          resource: resource?.name ?? '',
          start,
          end: new Date(),
        },
      ],
      planFile: Buffer.from(JSON.stringify(described.resources)),
    }
    this.#planned = { plan, request }
    return plan
  }

  /**
   * What the template describes. A workspace gets stopped and deleted without its template too, so that one
   * whose template fails for it does not stay for ever (L-12).
   */
  async #look(
    request: PlanRequest,
  ): Promise<Pick<Plan, 'parameters' | 'presets' | 'resources' | 'externalAuth' | 'aiTasks'>> {
    const nothing = { parameters: [], presets: [], resources: [], externalAuth: [], aiTasks: [] }
    const building = request.purpose === 'build'
    const stage = 'Planning Infrastructure'
    if (building && request.transition === 'destroy') {
      this.#say(stage, 'info', 'Everything of the workspace will be removed')
      return nothing
    }
    try {
      const { presets, externalAuth, ...declared } = await this.#declarations()
      requireVariables(declared, request)
      const parameters = resolve(declared, request)
      if (building && request.transition === 'start') this.#requireValues(request, parameters)
      const { resource, aiTask } = await this.#describe(request, parameters)
      this.#say(stage, 'info', `The template describes ${count(resource.agents.length, 'agent')}`)
      const aiTasks = aiTask === undefined ? [] : [{ id: request.task?.id ?? '', ...aiTask }]
      return { parameters, presets, externalAuth, resources: [withTask(resource, request.task)], aiTasks }
    } catch (error) {
      if (!(building && request.transition === 'stop' && error instanceof EngineError)) throw error
      this.#say(stage, 'warn', `The workspace is stopped without asking its template: ${error.message}`)
      return nothing
    }
  }

  #requireValues(request: PlanRequest, parameters: readonly ResolvedParameter[]): void {
    const values = byName(request.parameters)
    const missing = parameters.filter((parameter) => parameter.required && !values.has(parameter.name))
    if (missing.length > 0)
      throw new EngineError(`missing parameter: ${missing.map(({ name }) => name).join(', ')}`, {
        code: 'MISSING_TEMPLATE_PARAMETER',
      })
    const refused = parameters.find((parameter) => parameter.diagnostics.length > 0)
    if (refused !== undefined)
      throw new EngineError(`parameter ${refused.name}: ${refused.diagnostics.join('; ')}`)
  }

  async #describe(
    request: PlanRequest,
    parameters: readonly ResolvedParameter[],
  ): Promise<DescribedWorkspace> {
    const { workspace, owner } = request
    return readWorkspace(
      await this.#sandbox.evaluate(this.#source.files, {
        name: 'workspace',
        inputs: { parameters: given(parameters), variables: record(request.variables) },
        context: {
          workspace: {
            id: workspace.id,
            name: workspace.name,
            transition: request.transition,
            templateName: workspace.templateName,
            templateVersion: workspace.templateVersion,
            accessUrl: workspace.accessUrl,
            isPrebuild: workspace.isPrebuild,
          },
          owner: {
            id: owner.id,
            name: owner.name,
            fullName: owner.fullName,
            email: owner.email,
            groups: owner.groups,
            sshPublicKey: owner.sshPublicKey,
          },
          task: request.task,
          externalAuth: Object.fromEntries(
            request.externalAuth.map(({ id, accessToken }) => [id, accessToken]),
          ),
        },
      }),
    )
  }

  async apply(plan: Plan): Promise<Applied> {
    if (this.#planned?.plan !== plan) throw new EngineError('only the last plan can be applied')
    const { request } = this.#planned
    const start = new Date()
    const before = readState(this.#options.state)
    const workspaceId = request.workspace.id
    const { signal } = this.#options
    const say =
      (stage: string) =>
      (level: LogLevel, output: string): void =>
        this.#say(stage, level, output)
    const timing = (): Timing => ({
      stage: 'apply',
      source: 'local',
      action: plan.transition,
      resource: plan.resources[0]?.name ?? '',
      start,
      end: new Date(),
    })
    try {
      switch (plan.transition) {
        case 'start': {
          const resources = plan.resources.map(withTokens)
          const state = await this.#local.start(
            workspaceId,
            resources
              .flatMap((resource) => resource.agents)
              .map(({ name, auth }) => ({
                name,
                token: auth.type === 'token' ? auth.token : '',
              })),
            request.workspace.accessUrl,
            before,
            say('Starting workspace'),
            signal,
          )
          return { state: writeState(state), resources, aiTasks: plan.aiTasks, timings: [timing()] }
        }
        case 'stop': {
          const state = await this.#local.stop(workspaceId, before, say('Stopping workspace'), signal)
          return { state: writeState(state), resources: [], aiTasks: [], timings: [timing()] }
        }
        case 'destroy':
          await this.#local.destroy(workspaceId, before, say('Destroying workspace'), signal)
          return { state: new Uint8Array(), resources: [], aiTasks: [], timings: [timing()] }
      }
    } catch (error) {
      throw new EngineError(error instanceof Error ? error.message : String(error), {
        cause: error,
        // What a start has left behind, such as a home folder, is there to be removed.
        ...(plan.transition === 'start' ? { state: writeState({ agents: [] }) } : {}),
        timings: [timing()],
      })
    }
  }

  // Nothing was unpacked to disk, so there is nothing to remove.
  async [Symbol.asyncDispose](): Promise<void> {
    this.#planned = undefined
  }
}

function resolve(declared: Pick<Declarations, 'parameters'>, inputs: PreviewInputs): ResolvedParameter[] {
  const values = byName(inputs.parameters)
  const previous = byName(inputs.previousParameters)
  return declared.parameters.map((parameter) => {
    const value = values.get(parameter.name)
    const fault = value === undefined ? undefined : valueFault(parameter, value, previous.get(parameter.name))
    return {
      ...parameter,
      value: value ?? parameter.defaultValue,
      diagnostics: fault === undefined ? [] : [fault],
    }
  })
}

/** Refuses values that a variable of this type cannot have; it may be a secret, so it is not repeated. */
function requireVariables({ variables }: Pick<Declarations, 'variables'>, inputs: PreviewInputs): void {
  const values = byName(inputs.variables)
  for (const { name, type } of variables) {
    const value = values.get(name) ?? ''
    if (value === '') continue
    if (type === 'number' && !isNumber(value))
      throw new EngineError(`the value of the variable ${name} is not a number`)
    if (type === 'bool' && !/^(1|t|true|0|f|false)$/i.test(value))
      throw new EngineError(`the value of the variable ${name} is neither true nor false`)
  }
}

/** What a template has answered to `tags`. */
function readTags(said: unknown): Pick<Preview, 'workspaceTags' | 'tagFaults'> {
  if (typeof said !== 'object' || said === null || Array.isArray(said))
    throw new EngineError('template.ts: tags() must answer with an object of texts')
  const workspaceTags: NamedValue[] = []
  const tagFaults: { name: string; detail: string }[] = []
  for (const [name, value] of Object.entries(said)) {
    if (typeof value !== 'string') tagFaults.push({ name, detail: 'must be a text' })
    else if (name === '') tagFaults.push({ name, detail: 'needs a name' })
    else workspaceTags.push({ name, value })
  }
  return { workspaceTags, tagFaults }
}

/** What runs in the workspace of a task finds the task where Terraform's provider puts it, unless the template says otherwise. */
function withTask(resource: Resource, task: PlanRequest['task']): Resource {
  if (task === null) return resource
  const given = [
    { name: 'CODER_TASK_ID', value: task.id },
    { name: 'CODER_TASK_PROMPT', value: task.prompt },
  ]
  return {
    ...resource,
    agents: resource.agents.map((agent) => ({ ...agent, env: [...given, ...agent.env] })),
  }
}

function withTokens(resource: Resource): Resource {
  return {
    ...resource,
    agents: resource.agents.map((agent) => ({
      ...agent,
      id: randomUUID(),
      auth: { type: 'token', token: randomUUID() },
    })),
  }
}

function readState(bytes: Uint8Array): LocalState {
  if (bytes.length === 0) return { agents: [] }
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString())
    if (stateCheck.Check(value)) return value
  } catch {
    // Answered below.
  }
  throw new EngineError(
    'the stored state of the workspace cannot be read: delete it with --orphan and make it anew',
  )
}

function writeState(state: LocalState): Uint8Array {
  return Buffer.from(JSON.stringify(state))
}

/** Values that a template sees: a parameter without one is left out, so that its own default counts. */
function given(parameters: readonly ResolvedParameter[]): Record<string, string> {
  return Object.fromEntries(
    parameters
      .filter((parameter) => parameter.value !== '' || !parameter.required)
      .map(({ name, value }) => [name, value]),
  )
}

function record(values: readonly NamedValue[]): Record<string, string> {
  return Object.fromEntries(byName(values))
}

function byName(values: readonly NamedValue[]): ReadonlyMap<string, string> {
  return new Map(values.map(({ name, value }) => [name, value]))
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}
