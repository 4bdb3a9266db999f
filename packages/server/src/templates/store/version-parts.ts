import { type Selectable, sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { TemplateVersionPresetsTable, TemplateVersionVariablesTable } from '../../database/tables.ts'
import type {
  FormType,
  ParameterOption,
  ParameterType,
  Preset,
  RichParameter,
  TemplateVariable,
} from '../../provisioning/index.ts'

/**
 * Parameters of a version in the order of the form (WS-110). As in all of this file, the caller has checked
 * that the reader may see the version.
 *
 * @throws ApiError 403 without `template:read`.
 */
export async function listParameters(actor: Actor, db: Db, versionId: string): Promise<RichParameter[]> {
  authorize(actor, 'read', { type: 'template' })
  const rows = await db
    .selectFrom('template_version_parameters')
    .selectAll()
    .where('template_version_id', '=', versionId)
    .orderBy('display_order')
    .orderBy('name')
    .execute()
  return rows.map((row) => ({
    name: row.name,
    displayName: row.display_name,
    description: row.description,
    type: row.type as ParameterType,
    formType: row.form_type as FormType,
    mutable: row.mutable,
    required: row.required,
    ephemeral: row.ephemeral,
    defaultValue: row.default_value,
    icon: row.icon,
    order: row.display_order,
    options: row.options as unknown as readonly ParameterOption[],
    validation:
      row.validation_regex === '' &&
      row.validation_min === null &&
      row.validation_max === null &&
      row.validation_monotonic === ''
        ? null
        : {
            regex: row.validation_regex,
            error: row.validation_error,
            min: row.validation_min,
            max: row.validation_max,
            monotonic: row.validation_monotonic as '' | 'increasing' | 'decreasing',
          },
  }))
}

/** Variables of a version with their values. @throws ApiError 403. */
export async function listVariables(
  actor: Actor,
  db: Db,
  versionId: string,
): Promise<Selectable<TemplateVersionVariablesTable>[]> {
  authorize(actor, 'read', { type: 'template' })
  return db
    .selectFrom('template_version_variables')
    .selectAll()
    .where('template_version_id', '=', versionId)
    .orderBy('name')
    .execute()
}

/** Presets of a version. @throws ApiError 403. */
export async function listPresets(
  actor: Actor,
  db: Db,
  versionId: string,
): Promise<Selectable<TemplateVersionPresetsTable>[]> {
  authorize(actor, 'read', { type: 'template' })
  return db
    .selectFrom('template_version_presets')
    .selectAll()
    .where('template_version_id', '=', versionId)
    .orderBy('name')
    .execute()
}

/** Stores what the first look at an archive has found, also when the import fails after it. @throws ApiError 403. */
export async function storeReadmeAndVariables(
  actor: Actor,
  tx: Db,
  versionId: string,
  parts: {
    readonly readme: string
    readonly variables: readonly (TemplateVariable & { readonly value: string })[]
  },
): Promise<void> {
  authorize(actor, 'update', { type: 'template' })
  await tx
    .updateTable('template_versions')
    // A README that was not saved as UTF-8 may hold NULs, which no column does.
    .set({ readme: parts.readme.replaceAll('\0', '').slice(0, 1_048_576), updated_at: sql<Date>`now()` })
    .where('id', '=', versionId)
    .execute()
  await tx.deleteFrom('template_version_variables').where('template_version_id', '=', versionId).execute()
  if (parts.variables.length > 0)
    await tx
      .insertInto('template_version_variables')
      .values(
        parts.variables.map((variable) => ({
          template_version_id: versionId,
          name: variable.name,
          description: variable.description,
          type: variable.type,
          value: variable.value,
          default_value: variable.defaultValue,
          required: variable.required,
          sensitive: variable.sensitive,
        })),
      )
      .execute()
}

/** Stores what an import has found. @throws ApiError 403. */
export async function storeImport(
  actor: Actor,
  tx: Db,
  versionId: string,
  found: {
    readonly parameters: readonly RichParameter[]
    readonly presets: readonly Preset[]
    readonly externalAuth: readonly { readonly id: string; readonly optional: boolean }[]
    readonly hasAiTask: boolean
    readonly hasExternalAgent: boolean
  },
): Promise<void> {
  authorize(actor, 'update', { type: 'template' })
  await tx
    .updateTable('template_versions')
    .set({
      external_auth_providers: JSON.stringify(found.externalAuth),
      has_ai_task: found.hasAiTask,
      has_external_agent: found.hasExternalAgent,
      updated_at: sql<Date>`now()`,
    })
    .where('id', '=', versionId)
    .execute()
  if (found.parameters.length > 0)
    await tx
      .insertInto('template_version_parameters')
      .values(
        found.parameters.map((parameter) => ({
          template_version_id: versionId,
          name: parameter.name,
          display_name: parameter.displayName,
          description: parameter.description,
          type: parameter.type,
          form_type: parameter.formType,
          mutable: parameter.mutable,
          default_value: parameter.defaultValue,
          icon: parameter.icon,
          options: JSON.stringify(parameter.options),
          validation_regex: parameter.validation?.regex ?? '',
          validation_error: parameter.validation?.error ?? '',
          validation_min: parameter.validation?.min ?? null,
          validation_max: parameter.validation?.max ?? null,
          validation_monotonic: parameter.validation?.monotonic ?? '',
          required: parameter.required,
          ephemeral: parameter.ephemeral,
          display_order: parameter.order,
        })),
      )
      .execute()
  if (found.presets.length > 0)
    await tx
      .insertInto('template_version_presets')
      .values(
        found.presets.map((preset) => ({
          template_version_id: versionId,
          name: preset.name,
          description: preset.description,
          icon: preset.icon,
          is_default: preset.isDefault,
          desired_instances: preset.prebuildInstances,
          parameters: JSON.stringify(
            Object.fromEntries(preset.parameters.map((entry) => [entry.name, entry.value])),
          ),
        })),
      )
      .execute()
}
