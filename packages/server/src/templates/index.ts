export { BuiltInTemplates } from './built-in.ts'
export { dryRunRoutes } from './dry-run-routes.ts'
export { importHandler } from './import-version.ts'
export { isName, requireName } from './names.ts'
export { presetValues } from './present.ts'
export { dryRunHandler } from './run-dry-run.ts'
export {
  getTemplate,
  holdTemplate,
  listTemplates,
  type TemplateRow,
  templateObject,
} from './store/templates.ts'
export { listParameters, listPresets, listVariables } from './store/version-parts.ts'
export { getVersion, jobFromJson, type VersionRow, versionObject } from './store/versions.ts'
export type { TemplateChange, TemplateEffect } from './template-effect.ts'
export { templateRoutes } from './template-routes.ts'
export { templateVersionRoutes } from './version-routes.ts'
