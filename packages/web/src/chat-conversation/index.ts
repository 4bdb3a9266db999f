export { Composer } from './composer.tsx'
export { ConversationPane } from './conversation-pane.tsx'
