export { findReadableFiles, linkFiles, readFileForModel, storeToolFile } from './files.ts'
export { inlineImageLimit } from './inline-image-limit.ts'
export { chatFileRoutes } from './routes.ts'
export { unlinkedFiles } from './store/purge.ts'
