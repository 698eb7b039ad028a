package userauth

// none judges a request without credentials (RFC 4252 §5.2). What follows the
// method's name is not looked at.
func (s *server) none(a *Attempt) verdict {
	if s.cfg.None == nil {
		return denied("none is how clients ask for the list")
	}
	return verdict{result: s.call("None", func() Result { return s.cfg.None(s.ctx, a) })}
}
