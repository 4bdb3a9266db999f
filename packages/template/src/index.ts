export type * from './parameters.ts'
export * from './template.ts'
export * from './workspace.ts'
