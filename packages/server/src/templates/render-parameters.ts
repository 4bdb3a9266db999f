import {
  type DynamicParametersResponse,
  type FriendlyDiagnostic,
  NO_ID,
  type NullHCLString,
  type PreviewParameter,
} from '@slipway/contract'
import { type Actor, systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError } from '../errors/index.ts'
import { getUser } from '../identity/index.ts'
import type { RichParameter } from '../provisioning/index.ts'
import { valueFault } from '../provisioning/index.ts'
import { listParameters } from './store/version-parts.ts'
import type { VersionRow } from './store/versions.ts'

/**
 * The form of a version for these inputs (WS-124, WS-125): every parameter with its value and what is wrong
 * with it. Parameters of `typescript` templates are declared statically, so the stored ones are the form.
 *
 * @throws ApiError 425 while the import runs.
 */
export async function renderParameters(
  context: AppContext,
  actor: Actor,
  version: VersionRow,
  request: {
    readonly id: number
    readonly inputs: Readonly<Record<string, string>>
    /** For whom the workspace would be; the reader when absent or zero. */
    readonly ownerId?: string | undefined
  },
): Promise<DynamicParametersResponse> {
  if (version.job.completed_at === null) throw new ApiError(425, 'Template version job has not finished')
  if (!(await isReadableOwner(context, actor, request.ownerId)))
    return { id: request.id, diagnostics: [OWNER_NOT_FOUND], parameters: [] }
  const parameters = await listParameters(
    systemActor('provisionerd', 'parameters of a version that was read as the caller'),
    context.database.db,
    version.id,
  )
  return {
    id: request.id,
    diagnostics: [],
    parameters: parameters.map((parameter) =>
      // A parameter may have the name of something that every object has.
      preview(
        parameter,
        Object.hasOwn(request.inputs, parameter.name) ? request.inputs[parameter.name] : undefined,
      ),
    ),
  }
}

const OWNER_NOT_FOUND: FriendlyDiagnostic = {
  severity: 'error',
  summary: 'Failed to fetch workspace owner',
  detail: 'The user does not exist, or you may not see who it is: choose another owner.',
  extra: { code: 'owner_not_found' },
}

async function isReadableOwner(
  context: AppContext,
  actor: Actor,
  ownerId: string | undefined,
): Promise<boolean> {
  if (ownerId === undefined || ownerId === NO_ID || ownerId === actor.id) return true
  try {
    await getUser(actor, context.database.db, ownerId)
    return true
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return false
    throw error
  }
}

function preview(parameter: RichParameter, input: string | undefined): PreviewParameter {
  const value = input ?? (parameter.required ? undefined : parameter.defaultValue)
  const fault = value === undefined ? undefined : valueFault(parameter, value, undefined)
  const rule = parameter.validation
  return {
    name: parameter.name,
    display_name: parameter.displayName,
    description: parameter.description,
    type: parameter.type,
    form_type: parameter.formType,
    styling: {},
    mutable: parameter.mutable,
    default_value: hcl(parameter.required ? undefined : parameter.defaultValue),
    icon: parameter.icon,
    options: parameter.options.map((option) => ({ ...option, value: hcl(option.value) })),
    validations:
      rule === null
        ? []
        : [
            {
              validation_error: rule.error,
              validation_regex: rule.regex === '' ? null : rule.regex,
              validation_min: rule.min,
              validation_max: rule.max,
              validation_monotonic: rule.monotonic === '' ? null : rule.monotonic,
            },
          ],
    required: parameter.required,
    order: parameter.order,
    ephemeral: parameter.ephemeral,
    value: hcl(value),
    diagnostics: fault === undefined ? [] : [diagnostic(fault)],
  }
}

function hcl(value: string | undefined): NullHCLString {
  return { value: value ?? '', valid: value !== undefined }
}

function diagnostic(detail: string): FriendlyDiagnostic {
  return { severity: 'error', summary: 'Invalid parameter value', detail, extra: { code: '' } }
}
