import { type CustomTransportStrategy, type MessageHandler, Server } from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';
import type { Handle, Handlers } from './handlers.js';
import { MESSAGES, moduleOfReceiver } from './receives.js';

/** Nest's way into our message path: it hands over every `@Receives` method and opens and closes with the application. */
export class MessagesStrategy extends Server implements CustomTransportStrategy {
  override readonly transportId = MESSAGES;
  /** Nest makes a callback for each pattern of a method; its extras are one object, so types named together stay one set. */
  private readonly handles = new Map<object, Handle>();

  constructor(
    private readonly handlers: Handlers,
    private readonly traffic: { open(): Promise<void> | void; close(): Promise<void> },
  ) {
    super();
  }

  override addHandler(
    pattern: unknown,
    callback: MessageHandler,
    _isEvent = false,
    extras: Record<string, unknown> = {},
  ): void {
    const handle =
      this.handles.get(extras) ??
      (async (messages, reception) =>
        lastValueFrom(this.transformToObservable(await callback(messages, reception)), {
          defaultValue: undefined,
        }) as ReturnType<Handle>);
    this.handles.set(extras, handle);
    this.handlers.add(moduleOfReceiver(extras['controller'] as object), String(pattern), handle);
  }

  listen(callback: (error?: unknown) => void): void {
    Promise.resolve(this.traffic.open()).then(() => callback(), callback);
  }

  close(): Promise<void> {
    return this.traffic.close();
  }

  on(): never {
    throw new Error('messages have no transport events');
  }

  unwrap<T>(): T {
    throw new Error('messages have no client to unwrap');
  }
}
