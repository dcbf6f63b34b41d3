import { Component, type ReactNode } from "react";
import { Page } from "../ui/panel.tsx";
import { Failure } from "../ui/state.tsx";

/** A fault in one page must not take the others along: it is shown in the page's place until the reader goes elsewhere. */
export class PageBoundary extends Component<
  { readonly place: string; readonly children: ReactNode },
  { readonly error: unknown; readonly place: string }
> {
  override state: { readonly error: unknown; readonly place: string } = { error: null, place: this.props.place };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  static getDerivedStateFromProps(props: { readonly place: string }, state: { readonly place: string }) {
    return props.place === state.place ? null : { error: null, place: props.place };
  }

  override render() {
    if (this.state.error === null) {
      return this.props.children;
    }
    return (
      <Page title="This page failed">
        <Failure error={this.state.error} retry={() => this.setState({ error: null })} />
      </Page>
    );
  }
}
