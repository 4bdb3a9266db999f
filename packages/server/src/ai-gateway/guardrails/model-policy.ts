import type { Governance, ModelAccess } from '../../ai-governance/index.ts'
import type { ModelProvider } from '../../ai-providers/index.ts'
import { readAtMost, type UpstreamAnswer } from '../answers/upstream.ts'
import { servedModel } from '../bedrock/invoke-model.ts'
import { editMembers } from '../data-plane/json-members.ts'
import { GatewayError } from '../exchange/gateway-error.ts'
import { plainName } from '../prices/prices.ts'
import type { Initiator } from '../store/budgets.ts'
import { at, list, parseJson, text } from '../wires/json.ts'
import type { RequestFacts } from '../wires/request-facts.ts'
import { modelOfPath, pathWithModel } from '../wires/wire.ts'

/** Longest list of models that is looked through, in bytes. */
const MAX_LIST = 8 * 1024 * 1024
/** Of the name of a model that is refused, in characters. */
const MAX_SHOWN = 256

/** What of a request decides on its model. */
interface Asked {
  readonly provider: ModelProvider
  readonly initiator: Initiator
  readonly method: string
  readonly url: URL
  readonly route: string
  readonly body: Uint8Array
}

interface Rules {
  readonly governance: Governance
}

/**
 * Puts the model that a request means in the place of a name that stands for it, and refuses what the user's groups or
 * the token may not use (AG-B8, AG-B9).
 *
 * @throws GatewayError 403 `model_not_allowed`, 400 for a body that may be read in two ways or not at all.
 */
export function decideModel<Request extends Asked>(
  parts: Rules,
  request: Request,
  facts: RequestFacts,
): { readonly request: Request; readonly facts: RequestFacts } {
  const access = accessOf(parts, request)
  if (!access.isLimited && !access.hasAliases) return { request, facts }
  const decided = withModel(access, request)
  if (decided === undefined) {
    if (access.isLimited) throw notAllowed('The request names no model, and you may use certain models only.')
    return { request, facts }
  }
  return {
    request: decided.request,
    facts:
      decided.model === decided.asked
        ? facts
        : { ...facts, model: decided.model, requestedModel: facts.model },
  }
}

/**
 * The same for a request that is only relayed, which may name a model or not, and hides from a list of models those that
 * may not be used.
 *
 * @returns the request to relay, and what is to become of its answer.
 * @throws GatewayError as {@link decideModel}.
 */
export function decidePassThrough<Request extends Asked>(
  parts: Rules,
  request: Request,
): {
  readonly request: Request
  /** @throws GatewayError 502 for a list that cannot be read. */
  readonly filtered: (answer: UpstreamAnswer) => Promise<Pick<UpstreamAnswer, 'status' | 'headers'> & Body>
} {
  const asItIs = async (answer: UpstreamAnswer) => answer
  const access = accessOf(parts, request)
  if (!access.isLimited && !access.hasAliases) return { request, filtered: asItIs }
  const { provider, url, route } = request
  if (!access.allowsProvider(provider.name))
    throw notAllowed(`You may not use AI provider ${JSON.stringify(provider.name)}.`)
  const decided = withModel(access, request)?.request ?? request
  if (!access.isLimited || !/^(?:\/v1)?\/models\b/.test(route)) return { request: decided, filtered: asItIs }
  const [, named] = /\/models\/(.+)$/.exec(url.pathname) ?? []
  if (named === undefined)
    return { request: decided, filtered: (answer) => onlyAllowed(access, request, answer) }
  const model = decoded(named)
  if (!access.allows(provider.name, model)) throw modelNotAllowed(provider.name, model)
  return { request: decided, filtered: asItIs }
}

interface Body {
  readonly body: AsyncIterable<Uint8Array>
}

function accessOf({ governance }: Rules, { initiator }: Asked): ModelAccess {
  return governance.modelAccess(initiator.groupIds, initiator.keyLimits)
}

/** A request with the model that it means; undefined when it names none. */
function withModel<Request extends Asked>(
  access: ModelAccess,
  request: Request,
): { readonly request: Request; readonly asked: string; readonly model: string } | undefined {
  const { provider, url } = request
  const body = Buffer.from(request.body.buffer, request.body.byteOffset, request.body.length).toString('utf8')
  const parsed = parseJson(body)
  if (access.isLimited) requireOneReading(body, parsed)
  const inPath = modelOfPath(url.pathname)
  const asked = inPath || text(at(parsed, 'model'))
  // Some providers take further ones to go on with.
  const further = access.isLimited ? at(parsed, 'models') : undefined
  if (access.isLimited) for (const one of [asked, ...list(further).map(text)]) requireOneName(one)
  for (const one of list(further).map(text))
    if (!access.allows(provider.name, one)) throw modelNotAllowed(provider.name, one)
  if (asked === '') return undefined
  const model = access.resolve(asked)
  // What answers is what must be allowed: some providers have one model for many names.
  if (!access.allows(provider.name, servedModel(provider, url.pathname, model)))
    throw modelNotAllowed(provider.name, asked)
  if (inPath !== '') {
    if (model === asked) return { request, asked, model }
    const changed = new URL(url)
    changed.pathname = pathWithModel(url.pathname, model)
    return { request: { ...request, url: changed }, asked, model }
  }
  // Also where it is given twice: of which one a provider reads nothing is known.
  const edited = editMembers(body, {
    model: () => JSON.stringify(model),
    ...(further === undefined ? {} : { models: () => JSON.stringify(further) }),
  })
  return { request: edited === body ? request : { ...request, body: Buffer.from(edited) }, asked, model }
}

/**
 * Some servers take a member for another one that is spelled in other letters, `models` for what to go on with, and
 * bodies that are compressed or in another encoding.
 *
 * @throws GatewayError 400 for a body of which is not certain what models it names.
 */
function requireOneReading(body: string, parsed: unknown): void {
  if (parsed === undefined && body !== '')
    throw unclear('the request body is not JSON in UTF-8: which model it names cannot be told')
  if (typeof parsed !== 'object' || parsed === null) return
  for (const name of Object.keys(parsed))
    if (name !== 'model' && name !== 'models' && /^models?$/i.test(name))
      throw unclear(`the request body has a member ${JSON.stringify(name)}: models are named in "model"`)
  const further = at(parsed, 'models')
  if (further !== undefined && !(Array.isArray(further) && further.every((one) => typeof one === 'string')))
    throw unclear('the member "models" of the request body is not a list of names')
}

/**
 * Of what does not show, and of spaces around a name, a provider may take no notice: what is denied would be allowed.
 *
 * @throws GatewayError 400 for the name of a model that may be taken for another one.
 */
function requireOneName(model: string): void {
  if (plainName(model) === model) return
  const shown = JSON.stringify(model.slice(0, MAX_SHOWN))
  throw unclear(`the name of the model ${shown} has spaces around it or characters that do not show`)
}

function unclear(what: string): GatewayError {
  return new GatewayError(400, 'invalid_request', what)
}

async function onlyAllowed(
  access: ModelAccess,
  request: Asked,
  answer: UpstreamAnswer,
): Promise<Pick<UpstreamAnswer, 'status' | 'headers'> & Body> {
  const { status, headers } = answer
  if (status !== 200 || request.method === 'HEAD') return answer
  const whole = await readAtMost(answer, MAX_LIST)
  const value = parseJson(whole.toString('utf8'))
  const models = at(value, 'data')
  if (typeof value !== 'object' || value === null || !Array.isArray(models))
    throw new GatewayError(
      502,
      'provider_error',
      `the models of AI provider ${JSON.stringify(request.provider.name)} cannot be told: it answers with no list of them`,
    )
  const data = list(models).filter((model) => access.allows(request.provider.name, text(at(model, 'id'))))
  return { status, headers, body: only(Buffer.from(JSON.stringify({ ...value, data }))) }
}

async function* only(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

function modelNotAllowed(provider: string, model: string): GatewayError {
  const shown = JSON.stringify(model.slice(0, MAX_SHOWN))
  return notAllowed(`You may not use the model ${shown} of AI provider ${JSON.stringify(provider)}.`)
}

function notAllowed(what: string): GatewayError {
  return new GatewayError(
    403,
    'model_not_allowed',
    `${what} Please contact an administrator for more details.`,
  )
}
