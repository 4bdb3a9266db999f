export {
  type FileForModel,
  filesOfChat,
  findReadableFiles,
  linkFiles,
  type NewChatFile,
  readFileForModel,
  storeToolFile,
} from './files.ts'
export { inlineImageLimit } from './inline-image-limit.ts'
export { chatFileRoutes } from './routes.ts'
export type { ChatFileInfo } from './store/files.ts'
export { unlinkedFiles } from './store/purge.ts'
