export type NotificationState = 'PENDING' | 'SENT' | 'FAILED';
export type NotificationChannel = 'EMAIL' | 'WEBHOOK';

/** One message to one person, as the world sees it. Times ISO 8601 UTC. */
export class Notification {
  id!: string;
  orderId!: string;
  customerId!: string;
  channel!: NotificationChannel;
  /** An e-mail address or a URL. */
  to!: string;
  subject!: string;
  text!: string;
  html?: string;
  /** SENT only after the server (or the preview) took it. */
  state!: NotificationState;
  /** How often sending was tried. */
  attempts!: number;
  at!: string;
}
