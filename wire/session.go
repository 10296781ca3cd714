package wire

// A PtyRequest is the data of a "pty-req" request (RFC 4254, section 6.2).
// Modes is encoded as in section 8.
//
//	string    TERM environment variable value (e.g., vt100)
//	uint32    terminal width, characters (e.g., 80)
//	uint32    terminal height, rows (e.g., 24)
//	uint32    terminal width, pixels (e.g., 640)
//	uint32    terminal height, pixels (e.g., 480)
//	string    encoded terminal modes
type PtyRequest struct {
	Term    string
	Columns uint32
	Rows    uint32
	Width   uint32 // pixels
	Height  uint32 // pixels
	Modes   []byte
}

// Append appends the encoding of m to b.
func (m *PtyRequest) Append(b []byte) []byte {
	b = AppendUint32(AppendUint32(AppendString(b, m.Term), m.Columns), m.Rows)
	b = AppendUint32(AppendUint32(b, m.Width), m.Height)
	return AppendString(b, m.Modes)
}

// ParsePtyRequest decodes the data of a "pty-req" request. Modes aliases p.
func ParsePtyRequest(p []byte) (PtyRequest, error) {
	r := NewReader(p)
	m := PtyRequest{
		Term:    r.Text(),
		Columns: r.Uint32(),
		Rows:    r.Uint32(),
		Width:   r.Uint32(),
		Height:  r.Uint32(),
		Modes:   r.Blob(),
	}
	return m, r.End()
}

// An EnvRequest is the data of an "env" request (RFC 4254, section 6.4).
//
//	string    variable name
//	string    variable value
type EnvRequest struct {
	Name  string
	Value string
}

// Append appends the encoding of m to b.
func (m *EnvRequest) Append(b []byte) []byte {
	return AppendString(AppendString(b, m.Name), m.Value)
}

// ParseEnvRequest decodes the data of an "env" request.
func ParseEnvRequest(p []byte) (EnvRequest, error) {
	r := NewReader(p)
	m := EnvRequest{Name: r.Text(), Value: r.Text()}
	return m, r.End()
}

// An ExecRequest is the data of an "exec" request (RFC 4254, section 6.5).
//
//	string    command
type ExecRequest struct {
	Command string
}

// Append appends the encoding of m to b.
func (m *ExecRequest) Append(b []byte) []byte { return AppendString(b, m.Command) }

// ParseExecRequest decodes the data of an "exec" request.
func ParseExecRequest(p []byte) (ExecRequest, error) {
	r := NewReader(p)
	m := ExecRequest{Command: r.Text()}
	return m, r.End()
}

// A SubsystemRequest is the data of a "subsystem" request (RFC 4254,
// section 6.5).
//
//	string    subsystem name
type SubsystemRequest struct {
	Name string
}

// Append appends the encoding of m to b.
func (m *SubsystemRequest) Append(b []byte) []byte { return AppendString(b, m.Name) }

// ParseSubsystemRequest decodes the data of a "subsystem" request.
func ParseSubsystemRequest(p []byte) (SubsystemRequest, error) {
	r := NewReader(p)
	m := SubsystemRequest{Name: r.Text()}
	return m, r.End()
}

// A WindowChange is the data of a "window-change" request (RFC 4254,
// section 6.7).
//
//	uint32    terminal width, columns
//	uint32    terminal height, rows
//	uint32    terminal width, pixels
//	uint32    terminal height, pixels
type WindowChange struct {
	Columns uint32
	Rows    uint32
	Width   uint32 // pixels
	Height  uint32 // pixels
}

// Append appends the encoding of m to b.
func (m *WindowChange) Append(b []byte) []byte {
	b = AppendUint32(AppendUint32(b, m.Columns), m.Rows)
	return AppendUint32(AppendUint32(b, m.Width), m.Height)
}

// ParseWindowChange decodes the data of a "window-change" request.
func ParseWindowChange(p []byte) (WindowChange, error) {
	r := NewReader(p)
	m := WindowChange{Columns: r.Uint32(), Rows: r.Uint32(), Width: r.Uint32(), Height: r.Uint32()}
	return m, r.End()
}

// A SignalRequest is the data of a "signal" request (RFC 4254, section 6.9).
//
//	string    signal name (without the "SIG" prefix)
type SignalRequest struct {
	Name string
}

// Append appends the encoding of m to b.
func (m *SignalRequest) Append(b []byte) []byte { return AppendString(b, m.Name) }

// ParseSignalRequest decodes the data of a "signal" request.
func ParseSignalRequest(p []byte) (SignalRequest, error) {
	r := NewReader(p)
	m := SignalRequest{Name: r.Text()}
	return m, r.End()
}

// An ExitStatus is the data of an "exit-status" request (RFC 4254,
// section 6.10).
//
//	uint32    exit_status
type ExitStatus struct {
	Status uint32
}

// Append appends the encoding of m to b.
func (m *ExitStatus) Append(b []byte) []byte { return AppendUint32(b, m.Status) }

// ParseExitStatus decodes the data of an "exit-status" request.
func ParseExitStatus(p []byte) (ExitStatus, error) {
	r := NewReader(p)
	m := ExitStatus{Status: r.Uint32()}
	return m, r.End()
}

// An ExitSignal is the data of an "exit-signal" request (RFC 4254,
// section 6.10).
//
//	string    signal name (without the "SIG" prefix)
//	boolean   core dumped
//	string    error message in ISO-10646 UTF-8 encoding
//	string    language tag
type ExitSignal struct {
	Signal   string
	Core     bool
	Message  string // the peer's text: quote it before it is shown
	Language string
}

// Append appends the encoding of m to b.
func (m *ExitSignal) Append(b []byte) []byte {
	b = AppendBool(AppendString(b, m.Signal), m.Core)
	return AppendString(AppendString(b, m.Message), m.Language)
}

// ParseExitSignal decodes the data of an "exit-signal" request.
func ParseExitSignal(p []byte) (ExitSignal, error) {
	r := NewReader(p)
	m := ExitSignal{Signal: r.Text(), Core: r.Bool(), Message: r.Text(), Language: r.Text()}
	return m, r.End()
}

// An XonXoff is the data of an "xon-xoff" request (RFC 4254, section 6.8).
//
//	boolean   client can do
type XonXoff struct {
	Allowed bool
}

// Append appends the encoding of m to b.
func (m *XonXoff) Append(b []byte) []byte { return AppendBool(b, m.Allowed) }

// ParseXonXoff decodes the data of an "xon-xoff" request.
func ParseXonXoff(p []byte) (XonXoff, error) {
	r := NewReader(p)
	m := XonXoff{Allowed: r.Bool()}
	return m, r.End()
}

// A Break is the data of a "break" request (RFC 4335, section 3).
//
//	uint32    break-length in milliseconds
type Break struct {
	Milliseconds uint32
}

// Append appends the encoding of m to b.
func (m *Break) Append(b []byte) []byte { return AppendUint32(b, m.Milliseconds) }

// ParseBreak decodes the data of a "break" request.
func ParseBreak(p []byte) (Break, error) {
	r := NewReader(p)
	m := Break{Milliseconds: r.Uint32()}
	return m, r.End()
}

// An X11Request is the data of an "x11-req" request (RFC 4254, section 6.3.1).
//
//	boolean   single connection
//	string    x11 authentication protocol
//	string    x11 authentication cookie (hexadecimal)
//	uint32    x11 screen number
type X11Request struct {
	Single   bool
	Protocol string
	Cookie   string
	Screen   uint32
}

// Append appends the encoding of m to b.
func (m *X11Request) Append(b []byte) []byte {
	b = AppendString(AppendBool(b, m.Single), m.Protocol)
	return AppendUint32(AppendString(b, m.Cookie), m.Screen)
}

// ParseX11Request decodes the data of an "x11-req" request.
func ParseX11Request(p []byte) (X11Request, error) {
	r := NewReader(p)
	m := X11Request{Single: r.Bool(), Protocol: r.Text(), Cookie: r.Text(), Screen: r.Uint32()}
	return m, r.End()
}
